"""A route as data: router, HEAD, OPTIONS, 405, documents and metrics all follow from these declarations."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from gateway.caller import Caller
from gateway.limits.buckets import BucketName
from gateway.policy import Permission

if TYPE_CHECKING:
    from gateway.ports import Surroundings

JSON = "application/json"


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client says in a body. Unknown fields are errors that name them."""


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client says in a query. Unknown parameters are errors that name them."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a client is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was understood: everything a handler needs, decoded and checked."""

    caller: Caller
    request_id: str
    trace: str
    resource_id: UUID
    """The id that whatever this call makes must have; the same when the call is repeated with its key."""
    headers: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, Any] = field(default_factory=dict)
    query: Any = None
    body: Any = None

    @property
    def video_id(self) -> UUID:
        """The video of the path."""
        found: UUID = self.path["video_id"]
        return found

    @property
    def subject_id(self) -> UUID:
        """The user or key of the path."""
        found: UUID = self.path.get("user_id") or self.path["key_id"]
        return found

    @property
    def sequence(self) -> int:
        """The stream sequence of the path."""
        found: int = self.path["sequence"]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a handler answers: a struct to be written as JSON, bytes, a stream, or nothing."""

    body: msgspec.Struct | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    status: int | None = None
    """None for what the route declares."""


Handler = Callable[["Surroundings", Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    """A template such as `/api/v1/videos/{video_id}`."""
    handler: Handler
    summary: str
    group: str
    body: type[Body] | None = None
    query: type[Query] | None = None
    answer: type[msgspec.Struct] | None = None
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every answer of this route, in place of the usual ones."""
    problems: tuple[str, ...] = ()
    """Codes it may answer beyond those that any route may."""
    needs: Permission | None = None
    """What the caller must be allowed to do; None lets anybody in."""
    signs_in: bool = False
    """Its body says who asks: credentials in the headers, which may be stale, are not looked at."""
    limit: BucketName | None = None
    """Which bucket it takes from; None: `read` for GET, else `write`."""
    secret: bool = False
    """The answer holds a secret: nobody keeps it in the open, not even for an idempotency key."""
    etag: bool = False
    timeout_seconds: float = 15.0
    example: Any = None
    """An example of its body, for the documents."""

    @property
    def name(self) -> str:
        """The operation's name: that of its handler."""
        return str(getattr(self.handler, "__name__", self.path))

    @property
    def keeps_answers(self) -> bool:
        """Whether its answer is kept for an idempotency key: never one that signs somebody in or out."""
        return self.method == "POST" and not self.signs_in

    @property
    def bucket(self) -> BucketName:
        """Which limit it counts against."""
        return self.limit or ("read" if self.method == "GET" else "write")
