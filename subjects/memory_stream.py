"""One stream in memory: stores, recognises repeated ids, keeps to its limit per subject."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from subjects.bus import Receipt, Stored
from subjects.codec import MESSAGE_ID, Envelope
from subjects.matching import covers_any
from subjects.streams import DUPLICATE_WINDOW_SECONDS, Stream


@dataclass(slots=True, eq=False)
class MemoryStream:
    """The messages of one declared stream, by sequence. Age limits are not kept."""

    declared: Stream
    messages: dict[int, Stored] = field(default_factory=dict)
    last: int = 0
    followers: list[Callable[[Stored], None]] = field(default_factory=list)
    _known: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    def append(self, envelope: Envelope, now: datetime) -> Receipt:
        """Store a message unless its id is known, and tell those who follow."""
        name, message_id = self.declared.name, envelope.headers.get(MESSAGE_ID)
        if message_id and (known := self._known.get(message_id)):
            sequence, since = known
            if (now - since).total_seconds() <= DUPLICATE_WINDOW_SECONDS:
                return Receipt(name, sequence, duplicate=True)
        self.last += 1
        stored = Stored(envelope.subject, dict(envelope.headers), envelope.body, self.last, now)
        self.messages[self.last] = stored
        if message_id:
            self._known[message_id] = (self.last, now)
        self._trim(envelope.subject)
        for follower in tuple(self.followers):
            follower(stored)
        return Receipt(name, stored.sequence, duplicate=False)

    def remove(self, sequence: int) -> bool:
        """Forget one message; False when it was gone."""
        return self.messages.pop(sequence, None) is not None

    def roll_up(self, newest: Stored) -> None:
        """Forget what lies on the same subject before `newest`."""
        for older in self.matching((newest.subject,)):
            if older.sequence < newest.sequence:
                self.remove(older.sequence)

    def matching(self, patterns: tuple[str, ...], after: int = 0) -> Iterator[Stored]:
        """Yield what matches any pattern with a sequence above `after`, in order."""
        for sequence, stored in tuple(self.messages.items()):
            if sequence > after and covers_any(patterns, stored.subject):
                yield stored

    def latest(self, patterns: tuple[str, ...]) -> list[Stored]:
        """Return the newest of each subject that matches, by sequence."""
        newest = {stored.subject: stored for stored in self.matching(patterns)}
        return sorted(newest.values(), key=lambda stored: stored.sequence)

    def _trim(self, subject: str) -> None:
        if self.declared.max_per_subject > 0:
            mine = [seq for seq, stored in self.messages.items() if stored.subject == subject]
            for sequence in mine[: -self.declared.max_per_subject]:
                del self.messages[sequence]
