"""Brings several facts about one video together, without keeping anything.

The stream itself is the memory: when a fact arrives, the newest of every group is read back. The stream
orders all facts, so exactly one arrival, the newest, sees them all and is also the last of them: that one
calls the handler. An earlier one finds something missing, or something newer than itself, and is done.
"""

from dataclasses import dataclass

from actors.core.actor import Facts
from actors.core.verdict import Done
from subjects.bus import Bus, Stored
from subjects.codec import open_message
from subjects.message import Address, Message, Subject

Group = tuple[Subject[Message], ...]


def newest_of_each(groups: tuple[Group, ...], stored: list[Stored]) -> tuple[Stored, ...] | None:
    """Return the newest message of every group in group order, or None while one has none."""
    chosen = []
    for group in groups:
        fitting = [one for one in stored if any(subject.matches(one.subject) for subject in group)]
        if not fitting:
            return None
        chosen.append(max(fitting, key=lambda one: one.sequence))
    return tuple(chosen)


@dataclass(frozen=True, slots=True)
class Join:
    """The join of one actor over one stream of facts."""

    bus: Bus
    groups: tuple[Group, ...]
    stream: str = "EVENTS"

    async def gather(self, arrival: Stored, *, ordered: bool) -> Facts | Done:
        """Return the facts if `arrival` is the one that calls the handler, else why it does not.

        `ordered` is False for an order (a retry), which calls whatever its place. Raises BusError.
        """
        video_id = Address.parse(arrival.subject).video_id
        patterns = tuple(subject.pattern(video_id=video_id) for group in self.groups for subject in group)
        at_least = arrival.sequence if ordered else 0
        chosen = newest_of_each(self.groups, await self.bus.latest(self.stream, patterns, at_least=at_least))
        if chosen is None:
            return Done(outcome="waiting")
        if ordered and max(one.sequence for one in chosen) > arrival.sequence:
            return Done(outcome="superseded")
        messages = tuple(open_message(one.subject, one.headers, one.body) for one in chosen)
        return Facts(video_id, messages)
