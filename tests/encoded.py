"""A plan of three chunks in two rungs, and what an encoder would have made of it."""

from msgspec.structs import replace

from storage.keys import rendition_key
from storage.rendition_records import EncodedChunk, EncodedTrack, EncodingPlan
from subjects.media import AudioTrack, MediaSegment, Metadata, Rendition, Rung, Timeline
from tests.unit.actors.conftest import VIDEO

KEY = f"videos/{VIDEO}/original.mp4"
METADATA = Metadata(
    duration_seconds=36.5,
    format="mp4",
    size_bytes=3,
    width_px=1280,
    height_px=720,
    fps=30.0,
    codec="hevc",
    bitrate_bps=12,
    audio=AudioTrack(codec="aac", channels=2, sample_rate_hz=48_000),
)
TIMELINE = Timeline(fps_num=30, fps_den=1, frames=1095, gop_frames=60, segment_frames=120, chunk_frames=480)
RUNGS = tuple(
    Rung(name=f"{high}p-h264", codec="h264", width_px=wide, height_px=high, bitrate_bps=bps)
    for wide, high, bps in ((1280, 720, 2_800_000), (640, 360, 800_000))
)
PLAN = EncodingPlan(key=KEY, timeline=TIMELINE, rungs=RUNGS)
UNTOUCHED = replace(PLAN, rungs=())
"""The source itself is what can be played: nothing is encoded."""


def segments(first_frame: int, frames: int) -> tuple[MediaSegment, ...]:
    """Segments of a run of frames, whose bytes count 1000 a frame."""
    end, size = first_frame + frames, TIMELINE.segment_frames
    return tuple(
        MediaSegment(time=at, duration=min(size, end - at), size_bytes=1000 * min(size, end - at))
        for at in range(first_frame, end, size)
    )


def track(rung: Rung, chunk: int) -> EncodedTrack:
    return EncodedTrack(
        rendition=rung.name,
        codecs="avc1.64001f",
        timescale=TIMELINE.fps_num,
        init_key=rendition_key(VIDEO, rung.name, "init.mp4"),
        init_sha256="ab" * 32,
        segments=segments(*TIMELINE.chunk(chunk)),
    )


def chunk_of(number: int, rungs: tuple[Rung, ...] = RUNGS) -> EncodedChunk:
    return EncodedChunk(chunk=number, tracks=tuple(track(rung, number) for rung in rungs))


def rendition(name: str, kind: str = "video") -> Rendition:
    """A finished rendition of the whole length."""
    pieces = segments(0, TIMELINE.frames)
    return Rendition(
        name=name,
        kind=kind,
        codec="h264" if kind == "video" else "aac",
        codecs="avc1.64001f" if kind == "video" else "mp4a.40.2",
        width_px=1280 if kind == "video" else None,
        height_px=720 if kind == "video" else None,
        fps=30.0 if kind == "video" else None,
        bandwidth_bps=250_000,
        average_bps=240_000,
        timescale=TIMELINE.fps_num,
        init_key=rendition_key(VIDEO, name, "init.mp4"),
        segments=pieces,
    )
