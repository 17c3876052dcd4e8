"""What rendering needs to know of an actor, and nothing else of it."""

from dataclasses import dataclass

from actors.core.actor import AnyActor, listens
from subjects.message import Message, Subject
from subjects.stage import stage_of
from subjects.streams import Durable, durables


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorDeclaration:
    """An actor as configuration and documents see it."""

    name: str
    consumes: tuple[Subject[Message], ...]
    produces: tuple[Subject[Message], ...] = ()
    ack_wait_seconds: float = 5.0
    max_deliver: int = 5
    joins: bool = False
    """Whether it reads facts back from the stream."""
    clears: tuple[str, ...] = ()
    schedules: bool = False

    @classmethod
    def of(cls, kind: type[AnyActor]) -> "ActorDeclaration":
        """Return the declaration of an actor's class."""
        return cls(
            name=kind.name,
            consumes=listens(kind),
            produces=kind.produces,
            ack_wait_seconds=kind.delivery.ack_wait,
            max_deliver=kind.delivery.max_deliver,
            joins=bool(kind.joins),
            clears=kind.clears,
            schedules=kind.schedules,
        )

    @property
    def durables(self) -> tuple[Durable, ...]:
        """Its places in the streams."""
        return durables(
            self.name,
            self.consumes,
            ack_wait_seconds=self.ack_wait_seconds,
            max_deliver=self.max_deliver,
        )

    @property
    def says(self) -> tuple[str, ...]:
        """Patterns of all it publishes; where a subject ends in the stage's name, only that it works for."""
        return tuple(
            (subject.at(stage_of(self.name)) if subject.facet == "stage" else subject).pattern()
            for subject in self.produces
        )
