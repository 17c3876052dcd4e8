"""What is said about a video, in the order of its journey."""

from datetime import datetime

from subjects.media import Frame, Location, Metadata, Picture, Storyboard
from subjects.message import Message, Subject
from subjects.warning import SourceWarning


class VideoUploaded(Message, frozen=True, kw_only=True):
    """The original is whole, checked and in its final place."""

    key: str
    size_bytes: int
    sha256: str
    content_type: str
    """Sniffed from the content, not claimed."""


class VideoProbed(Message, frozen=True, kw_only=True):
    """The original can be decoded, and this is what it is made of."""

    key: str
    sha256: str
    metadata: Metadata
    location: Location | None = None
    recorded_at: datetime | None = None


class VideoRejected(Message, frozen=True, kw_only=True):
    """The original cannot become a video. An expected outcome, with a code a client can act on."""

    stage: str
    code: str
    detail: str


class VideoThumbnailed(Message, frozen=True, kw_only=True):
    """The video has pictures: posters by width, a storyboard, a moving preview, frames for later actors."""

    posters: tuple[Picture, ...]
    preview: Picture | None = None
    storyboard: Storyboard | None = None
    frames: tuple[Frame, ...] = ()


class VideoPlayable(Message, frozen=True, kw_only=True):
    """A player can start. Better renditions may follow; these playlists stay as they are."""

    hls_key: str
    dash_key: str | None = None


class VideoTranscoded(Message, frozen=True, kw_only=True):
    """Every rendition that the video gets is there, and the playlists name them all."""

    hls_key: str
    dash_key: str | None = None
    renditions: tuple[str, ...]
    """Their names, best first, sound last."""
    warnings: tuple[SourceWarning, ...] = ()
    """What is wrong with the clip though it plays."""


class VideoReady(Message, frozen=True, kw_only=True):
    """Nothing is left to do."""


class VideoFailed(Message, frozen=True, kw_only=True):
    """A stage gave up: its message lies in the dead letters until an operator or the owner retries it."""

    stage: str
    code: str
    detail: str


class VideoDeleted(Message, frozen=True, kw_only=True):
    """The owner removed the video; its rows are gone and its objects must follow."""


UPLOADED = Subject("video.uploaded", VideoUploaded, "EVENTS", "The original is whole and in its final place.")
PROBED = Subject("video.probed", VideoProbed, "EVENTS", "The original can be decoded; what it is made of.")
REJECTED = Subject("video.rejected", VideoRejected, "EVENTS", "The original cannot become a video, and why.")
THUMBNAILED = Subject("video.thumbnailed", VideoThumbnailed, "EVENTS", "The video has pictures.")
PLAYABLE = Subject("video.playable", VideoPlayable, "EVENTS", "A player can start; more may follow.")
TRANSCODED = Subject("video.transcoded", VideoTranscoded, "EVENTS", "Every rendition is there.")
READY = Subject("video.ready", VideoReady, "EVENTS", "Nothing is left to do.")
FAILED = Subject("video.failed", VideoFailed, "EVENTS", "A stage gave up; a retry may mend it.")
DELETED = Subject("video.deleted", VideoDeleted, "EVENTS", "The owner removed the video.")
