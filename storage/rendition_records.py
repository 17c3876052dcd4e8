"""The values that cross the port of renditions: what is planned, what is encoded, what can be played."""

from subjects.media import MediaSegment, Rendition, Rung, Timeline, Value


class EncodingPlan(Value, frozen=True, kw_only=True):
    """What one pass over a video encodes: the same frames of the same original in each of its rungs.

    It says everything that decides the bytes, but for the version of the encoder.
    """

    key: str
    """Of the original."""
    timeline: Timeline
    rungs: tuple[Rung, ...]
    segment_key_name: str | None = None
    """Names the key that every chunk is encrypted with, also when keys rotate meanwhile; None: with none."""
    preset: str = "veryfast"
    """One of x264's, which stands for a like speed of other encoders."""
    threads: int = 0
    """Of each encoder; 0: as many as the machine has cores."""


class EncodedTrack(Value, frozen=True, kw_only=True):
    """One rung of one chunk, its segments already in object storage."""

    rendition: str
    """The rung's name."""
    codecs: str
    """As RFC 6381 has it, read from the init segment."""
    timescale: int
    init_key: str
    init_sha256: str
    """Hex. Chunks whose init segments differ cannot be played in a row."""
    segments: tuple[MediaSegment, ...]
    key_name: str | None = None
    """Names the key that its segments are encrypted with; None when they are not."""


class EncodedChunk(Value, frozen=True, kw_only=True):
    """A chunk of a pass with every rung of it, or with none when nothing of the clip could be shown there."""

    chunk: int
    tracks: tuple[EncodedTrack, ...]


class Package(Value, frozen=True, kw_only=True):
    """Playlists that were written. What lies under their keys never changes."""

    version: int
    """From 1, without a gap; the latest holds all that was finished when it was written."""
    hls_key: str
    dash_key: str | None = None


class Playable(Value, frozen=True, kw_only=True):
    """What of a video can be played."""

    renditions: tuple[Rendition, ...] = ()
    """By name."""
    package: Package | None = None
    """The newest."""


def check_chunk(plan: EncodingPlan, chunk: int, tracks: tuple[EncodedTrack, ...]) -> None:
    """Raise ValueError unless the plan has such a chunk, whose tracks are the rungs, or none at all."""
    if not 0 <= chunk < plan.timeline.chunks:
        raise ValueError(f"there is no chunk {chunk} of {plan.timeline.chunks}")
    given, wanted = sorted(track.rendition for track in tracks), sorted(rung.name for rung in plan.rungs)
    if tracks and given != wanted:
        raise ValueError(f"a chunk of {', '.join(wanted)} cannot hold {', '.join(given)}")
