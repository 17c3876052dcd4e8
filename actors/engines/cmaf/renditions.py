"""What a child wrote of a track, as it is stored and recorded. Pure."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from actors.engines.cmaf.bandwidth import average_bps, peak_bps
from actors.engines.cmaf.track import INIT_NAME, Track, segment_name
from actors.engines.sound.audio import Sound
from storage.keys import rendition_key
from storage.rendition_records import EncodedTrack
from subjects.media import Metadata, Rendition


def track_files(video_id: UUID, track: Track, out_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yield the key of each file of a track and where it lies; exactly what the track tells of."""
    folder = out_dir / track.rendition
    yield rendition_key(video_id, track.rendition, INIT_NAME, track.key_name), folder / INIT_NAME
    yield from _segment_files(video_id, track, folder)


def chunk_files(video_id: UUID, track: Track, out_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yield the same of a track that is one chunk of many: it overwrites no other one's init segment."""
    folder = out_dir / track.rendition
    yield _chunk_init_key(video_id, track), folder / INIT_NAME
    yield from _segment_files(video_id, track, folder)


def _segment_files(video_id: UUID, track: Track, folder: Path) -> Iterator[tuple[str, Path]]:
    for name in (segment_name(segment.time) for segment in track.segments):
        yield rendition_key(video_id, track.rendition, name, track.key_name), folder / name


def _chunk_init_key(video_id: UUID, track: Track) -> str:
    """Return where the init segment of a chunk lies: those that differ lie side by side."""
    name = f"init-{track.init_sha256[:16]}.mp4"
    return rendition_key(video_id, track.rendition, name, track.key_name)


def encoded_track(video_id: UUID, track: Track) -> EncodedTrack:
    """Return the record of one rung of a chunk."""
    return EncodedTrack(
        rendition=track.rendition,
        codecs=track.codecs,
        timescale=track.timescale,
        init_key=_chunk_init_key(video_id, track),
        init_sha256=track.init_sha256,
        segments=track.segments,
        key_name=track.key_name,
    )


def picture_rendition(video_id: UUID, track: Track, metadata: Metadata) -> Rendition:
    """Return the source's pictures as a rendition."""
    return Rendition(
        name=track.rendition,
        kind="video",
        codec=metadata.codec,
        codecs=track.codecs,
        width_px=metadata.width_px,
        height_px=metadata.height_px,
        fps=metadata.fps,
        bandwidth_bps=peak_bps(track.segments, track.timescale),
        average_bps=average_bps(track.segments, track.timescale),
        timescale=track.timescale,
        init_key=rendition_key(video_id, track.rendition, INIT_NAME),
        segments=track.segments,
    )


def sound_rendition(video_id: UUID, sound: Sound) -> Rendition:
    """Return a track of sound as a rendition."""
    track = sound.track
    return Rendition(
        name=track.rendition,
        kind="audio",
        codec="aac",
        codecs=track.codecs,
        sample_rate_hz=sound.sample_rate_hz,
        channels=sound.channels,
        language=sound.facts.language,
        label=sound.facts.label,
        default=sound.default,
        bandwidth_bps=peak_bps(track.segments, track.timescale),
        average_bps=average_bps(track.segments, track.timescale),
        timescale=track.timescale,
        init_key=rendition_key(video_id, track.rendition, INIT_NAME),
        segments=track.segments,
    )
