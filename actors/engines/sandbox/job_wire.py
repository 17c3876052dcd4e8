"""What travels between the sandbox and a job's child: msgpack frames behind a 4-byte big-endian length.

Nothing that comes back from a child is ever unpickled: it has handled hostile bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from actors.engines.errors import Refusal

LENGTH_BYTES = 4
MAX_FRAME_BYTES = 1 << 20
MAX_OUTPUT_BYTES = 4 << 20
MAX_TEXT_CHARS = 8000
_BYTES_PER_CPU_SECOND = 50e6

Report = Callable[[float, str], None]
"""What a job calls with its progress: a fraction 0..1 and a short note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a job's child may use. Passing a limit ends the child, never the parent."""

    memory_bytes: int = 1536 << 20
    """Address space, the preloaded libraries (about 250 MB) included."""
    cpu_seconds: int = 60
    wall_seconds: float = 90.0
    silent_seconds: float = 7.0
    """How long the job may report nothing. Below what the runtime allows an actor that uses it (8 s)."""
    file_bytes: int = 64 << 20
    """The largest single file that the job may write."""
    open_files: int = 64

    def with_more(self, *, cpu_seconds: float, wall_seconds: float) -> "Limits":
        """Return these limits with so many seconds more."""
        return replace(
            self,
            cpu_seconds=self.cpu_seconds + round(cpu_seconds),
            wall_seconds=self.wall_seconds + wall_seconds,
        )

    def to_read(self, size_bytes: int) -> "Limits":
        """Return these limits with the time that reading the packets of a file so large may take."""
        seconds = size_bytes / _BYTES_PER_CPU_SECOND
        return self.with_more(cpu_seconds=seconds, wall_seconds=4 * seconds)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a child is asked to do: `job` is `module:function`, `request` its encoded argument."""

    job: str
    request: msgspec.Raw
    limits: Limits


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far the job is, 0..1, and what it does."""

    fraction: float
    note: str


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The job returned; `result` is its encoded value."""

    result: msgspec.Raw


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The job refused the clip."""

    code: Refusal
    detail: str


class OutOfMemory(msgspec.Struct, frozen=True, tag="memory"):
    """The job met its memory limit."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The job raised; `traceback` is for our own eyes."""

    traceback: str


Outcome = Finished | Refused | OutOfMemory | Failed
FrameKind = Progress | Outcome

_decoder: msgspec.msgpack.Decoder[FrameKind] = msgspec.msgpack.Decoder(FrameKind)


def pack(value: object) -> bytes:
    """The frame of a value, its length included."""
    body = msgspec.msgpack.encode(value)
    return len(body).to_bytes(LENGTH_BYTES) + body


def unpack(body: bytes) -> FrameKind:
    """The value in a frame's body; raises msgspec.DecodeError."""
    return _decoder.decode(body)
