"""What an actor is: declarations, injected ports, and one `handle` that returns what it wants said."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from actors.core.context import Context
from subjects.message import Message, Subject
from subjects.streams import Durable, durables

M = TypeVar("M", bound=Message)
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", bound=Message, covariant=True)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an actor wants its messages. Seconds; the ack wait is also how long a handler may be silent."""

    ack_wait: float = 5.0
    max_deliver: int = 5
    concurrency: int = 8
    """Messages one replica handles at the same time."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a join waited for: the newest message of each group, about one video."""

    video_id: UUID
    messages: tuple[Message, ...]

    def find(self, kind: type[M]) -> M | None:
        """Return the fact of one type, or None when an alternative took its place."""
        return next((message for message in self.messages if isinstance(message, kind)), None)


class Actor(ABC, Generic[In_contra, Out_co]):
    """A unit of work between subjects. Subclass as a frozen dataclass whose fields are ports.

    `joins`, where given, holds groups of alternatives: `handle` is called with Facts once for the newest
    message of every group, and `consumes` stays empty.
    """

    name: ClassVar[str]
    consumes: ClassVar[tuple[Subject[Message], ...]] = ()
    joins: ClassVar[tuple[tuple[Subject[Message], ...], ...]] = ()
    produces: ClassVar[tuple[Subject[Message], ...]] = ()
    clears: ClassVar[tuple[str, ...]] = ()
    """Streams that it reads back, and from which it deletes messages."""
    schedules: ClassVar[bool] = False
    """Whether it has the server say something later, under `schedule.<name>.…`."""
    delivery: ClassVar[Delivery] = Delivery()

    @abstractmethod
    async def handle(self, event: In_contra, ctx: Context) -> Sequence[Out_co]:
        """Do the work of one message and return what is to be said of it. Writes must be idempotent."""


AnyActor = Actor[Any, Message]


def listens(actor: AnyActor | type[AnyActor]) -> tuple[Subject[Message], ...]:
    """Return every subject that an actor reacts to."""
    return actor.consumes + tuple(subject for group in actor.joins for subject in group)


def durables_of(actor: AnyActor | type[AnyActor]) -> tuple[Durable, ...]:
    """Return the durables that the replicas of an actor share."""
    return durables(
        actor.name,
        listens(actor),
        ack_wait_seconds=actor.delivery.ack_wait,
        max_deliver=actor.delivery.max_deliver,
    )
