"""Values that the contracts of renditions speak of."""

from typing import Any

from storage.rendition_records import EncodedTrack, EncodingPlan, Package
from subjects.media import MediaSegment, Rendition, Rung, Timeline

TIMELINE = Timeline(
    fps_num=30_000, fps_den=1_001, frames=1_000, gop_frames=60, segment_frames=120, chunk_frames=480
)
"""Three chunks, the last with 40 frames."""
HIGH = Rung(name="720p-h264", codec="h264", width_px=1280, height_px=720, bitrate_bps=2_800_000)
LOW = Rung(name="360p-h264", codec="h264", width_px=640, height_px=360, bitrate_bps=800_000)


def new_plan(*rungs: Rung, **said: Any) -> EncodingPlan:
    return EncodingPlan(**({"key": "videos/a/original.mp4", "timeline": TIMELINE, "rungs": rungs} | said))


def new_tracks(plan: EncodingPlan, chunk: int) -> tuple[EncodedTrack, ...]:
    """What a chunk of a plan could have become."""
    first, frames = plan.timeline.chunk(chunk)
    segment = MediaSegment(
        time=first * 1001, duration=frames * 1001, size_bytes=4_000 + chunk, iframes=((0, 900, first * 1001),)
    )
    return tuple(
        EncodedTrack(
            rendition=rung.name,
            codecs="avc1.64001f",
            timescale=plan.timeline.fps_num,
            init_key=f"videos/a/cmaf/{rung.name}/init.mp4",
            init_sha256="0" * 64,
            segments=(segment,),
        )
        for rung in plan.rungs
    )


def new_rendition(name: str = "720p-h264", **said: Any) -> Rendition:
    usual = {
        "name": name,
        "kind": "video",
        "codec": "h264",
        "codecs": "avc1.64001f",
        "width_px": 1280,
        "height_px": 720,
        "fps": 29.97,
        "bandwidth_bps": 3_000_000,
        "average_bps": 2_000_000,
        "timescale": 30_000,
        "init_key": f"videos/a/cmaf/{name}/init.mp4",
        "segments": (MediaSegment(time=0, duration=1_001, size_bytes=4_000, iframes=((0, 900, 0),)),),
    }
    return Rendition(**(usual | said))


def new_package(version: int, **said: Any) -> Package:
    folder = f"videos/a/cmaf/{version:016x}"
    usual = {"version": version, "hls_key": f"{folder}/master.m3u8", "dash_key": f"{folder}/manifest.mpd"}
    return Package(**(usual | said))
