"""What can go wrong in an engine.

EngineError
├── BadMedia        the clip itself is refused: an expected outcome with a stable code
├── SandboxDown     the forkserver could not be started, or died
├── JobTimeout      a job used up its wall clock, or was silent for too long
│   └── JobSpent    a job used up its processor time, as it would anywhere
├── JobKilled       a job died: a signal, an exit, out of memory, too much output
└── JobFailed       a job raised, or answered something that is not its result: a defect of ours
"""

from enum import StrEnum


class Refusal(StrEnum):
    """Why a clip is refused. Values are part of the public API."""

    EMPTY = "empty"
    NOT_MEDIA = "not_media"
    NO_VIDEO = "no_video"
    TOO_LARGE_PICTURE = "too_large_picture"
    TOO_LONG = "too_long"
    TOO_MUCH_PICTURE = "too_much_picture"
    UNSUPPORTED_CODEC = "unsupported_codec"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    NO_FRAMES = "no_frames"


SENTENCES: dict[Refusal, str] = {
    Refusal.EMPTY: "The file is empty. Send it again.",
    Refusal.NOT_MEDIA: "The file is not a video. Send MP4, MOV, WebM, MKV, TS, FLV, AVI or 3GP.",
    Refusal.NO_VIDEO: "The file has no moving picture. Send a file with a video track.",
    Refusal.TOO_LARGE_PICTURE: "The picture is larger than this service accepts. Export it at 8K or less.",
    Refusal.TOO_LONG: "The clip is longer than this service accepts. Cut it and send it again.",
    Refusal.TOO_MUCH_PICTURE: "The clip has too many pixels for its length. Lower its size or frame rate.",
    Refusal.UNSUPPORTED_CODEC: "The video codec is not supported. Export it as H.264, H.265, VP9 or AV1.",
    Refusal.ENCRYPTED: "The clip is encrypted. Send a file without copy protection.",
    Refusal.DAMAGED: "The file is damaged or incomplete. Export it again and send the new file.",
    Refusal.NO_FRAMES: "No picture could be decoded from the clip. Export it again and send the new file.",
}
"""What a client can do about each refusal."""


class EngineError(Exception):
    """The base of everything the engines raise on purpose."""


class BadMedia(EngineError):  # noqa: N818 - a verdict on the clip, not a fault of ours
    """The clip is refused; `code` says why and `sentence` what its owner can do."""

    def __init__(self, code: Refusal, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else str(self.code)

    @property
    def sentence(self) -> str:
        """The advice for the owner of the clip."""
        return SENTENCES[self.code]


class SandboxDown(EngineError):  # noqa: N818 - a state of the sandbox, named so
    """Raised when the forkserver cannot be started or is not running."""


class JobTimeout(EngineError):  # noqa: N818 - reads as what happened
    """Raised when a job passes its wall clock deadline or its processor time."""


class JobSpent(JobTimeout):
    """Raised when a job used up its processor time: however crowded the machine, the clip asked for it."""


class JobKilled(EngineError):  # noqa: N818 - reads as what happened
    """Raised when the child died; `cause` is `memory`, a signal's name, `exit N`, `output` or `unknown`."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(cause, detail)
        self.cause = cause
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.cause}: {self.detail}" if self.detail else self.cause


class JobFailed(EngineError):  # noqa: N818 - reads as what happened
    """Raised when the job raised an exception of its own; the message holds the child's traceback."""
