"""The shape every message shares, and the subject that names it.

A subject has four tokens, five when it is about one stage:

    video.probed.normal.0199c8a2-…            noun.verb.class.video_id
    stage.skipped.normal.0199c8a2-….captioner noun.verb.class.video_id.stage

The class lets an actor serve `high` before `normal` before `low` with one durable each; the video id lets
a reconnecting client's gap be read back by the video's own subjects.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

import msgspec


class Priority(StrEnum):
    """How urgent a video's work is. Chosen at upload; a message carries what its cause did, or less."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about one video, said once and never changed.

    Additive for ever: a new field has a default, none is renamed, retyped or removed; what does not fit
    that rule is a new subject. Unknown fields are ignored on decode.
    """

    video_id: UUID

    def urgency(self, cause: Priority) -> Priority:
        """Return how urgent this is when what caused it had this class."""
        return cause


M_co = TypeVar("M_co", bound=Message, covariant=True)


@dataclass(frozen=True, slots=True)
class Subject(Generic[M_co]):
    """A declared subject: its name, the message it carries and the stream that keeps it.

    `facet` names the message field that becomes the fifth token, and `only` narrows the subject to one
    value of it (see `at`).
    """

    name: str
    message: type[M_co]
    stream: str
    summary: str
    version: int = 1
    facet: str | None = None
    only: str | None = None

    def at(self, value: str) -> "Subject[M_co]":
        """Return this subject narrowed to one facet, such as `stage.skipped` of the captioner."""
        if self.facet is None:
            raise ValueError(f"{self.name} has no facet to narrow")
        return replace(self, only=value)

    def of(self, message: Message, priority: Priority) -> str:
        """Return the concrete subject of one message."""
        tokens = [self.name, priority, str(message.video_id)]
        if self.facet is not None:
            tokens.append(getattr(message, self.facet))
        return ".".join(tokens)

    def pattern(self, *, priority: Priority | None = None, video_id: UUID | None = None) -> str:
        """Return the filter that matches this subject, of one class or video or of all."""
        tokens = [self.name, priority or "*", str(video_id) if video_id else "*"]
        if self.facet is not None:
            tokens.append(self.only or "*")
        return ".".join(tokens)

    def matches(self, subject: str) -> bool:
        """Whether a concrete subject is one of this declaration's."""
        tokens, mine = subject.split("."), self.pattern().split(".")
        return len(tokens) == len(mine) and all(m in ("*", t) for m, t in zip(mine, tokens, strict=True))


@dataclass(frozen=True, slots=True)
class Address:
    """A concrete subject taken apart: noun.verb, class, video id, and the facet where there is one."""

    name: str
    priority: Priority
    video_id: UUID
    facet: str | None = None

    @classmethod
    def parse(cls, subject: str) -> "Address":
        """Take a concrete subject apart. Raises ValueError when it is not of the house's form."""
        match subject.split("."):
            case [noun, verb, priority, video_id]:
                return cls(f"{noun}.{verb}", Priority(priority), UUID(video_id))
            case [noun, verb, priority, video_id, facet]:
                return cls(f"{noun}.{verb}", Priority(priority), UUID(video_id), facet)
        raise ValueError(f"not a subject of this house: {subject!r}")
