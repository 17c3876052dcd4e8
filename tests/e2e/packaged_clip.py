"""A clip in the shape that is delivered: encoded by the ffmpeg command line, packaged by our own engine."""

import asyncio
from pathlib import Path
from uuid import UUID

from actors.engines.cmaf.bandwidth import average_bps, peak_bps
from actors.engines.cmaf.renditions import track_files
from actors.engines.cmaf.segment_encryption import encrypt_track
from actors.engines.cmaf.segment_writer import MUXER, Cut, SegmentWriter
from actors.engines.cmaf.track import INIT_NAME
from actors.engines.packaging.presentation import Presentation
from actors.engines.packaging.texts import package_texts
from storage.keys import derived_key, rendition_key
from storage.ports import Objects
from storage.segment_keys import NO_KEYS, SegmentKeys
from subjects.media import Rendition
from tests.e2e.packaged_storyboard import store_storyboard

SECONDS, FPS = 12, 30
RUNGS = {"180p-h264": (320, 180), "360p-h264": (640, 360)}
FOUR_SECONDS = Cut(longest_seconds=4.0, shortest_seconds=2.0)
PICTURE = "testsrc2=size={0}x{1}:rate=30:duration={2}"
H264 = "-c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p -g 60 -keyint_min 60 -sc_threshold 0"
AAC = "-c:a aac -ac 2 -frag_duration 2000000"


async def package_clip(
    objects: Objects, video_id: UUID, ffmpeg: str, directory: Path, keys: SegmentKeys = NO_KEYS
) -> Presentation:
    """Store all files of a clip of 12 seconds with sound in two sizes, and return what it is."""
    about = {
        "width_px": None,
        "height_px": None,
        "fps": None,
        "codec": "aac",
        "sample_rate_hz": 48000,
        "channels": 2,
    }
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}", *AAC.split()]
    made = [
        await _rendition(
            objects, video_id, [ffmpeg, *tone], directory / "audio-aac", {**about, "kind": "audio"}, keys
        )
    ]
    for name, (width, height) in RUNGS.items():
        picture = ["-f", "lavfi", "-i", PICTURE.format(width, height, SECONDS), *H264.split()]
        about = {"kind": "video", "width_px": width, "height_px": height, "fps": float(FPS), "codec": "h264"}
        made.append(await _rendition(objects, video_id, [ffmpeg, *picture], directory / name, about, keys))
    presentation = Presentation(
        folder=derived_key(video_id, "cmaf/v1"),
        renditions=tuple(made),
        storyboard=await store_storyboard(objects, video_id, directory, SECONDS),
    )
    for name, text in package_texts(presentation).items():
        await objects.put(f"{presentation.folder}/{name}", text.encode())
    return presentation


async def _rendition(
    objects: Objects,
    video_id: UUID,
    command: list[str],
    folder: Path,
    about: dict[str, object],
    keys: SegmentKeys,
) -> Rendition:
    """Encode, cut, maybe encrypt, and store one track."""
    options = [part for name, value in MUXER.items() for part in (f"-{name}", value)]
    process = await asyncio.create_subprocess_exec(
        *command, "-v", "error", *options, "-f", "mp4", "-", stdout=asyncio.subprocess.PIPE
    )
    encoded, _ = await process.communicate()
    assert process.returncode == 0
    writer = SegmentWriter(folder, FOUR_SECONDS)
    writer.write(encoded)
    plain = writer.finish(folder.name)
    track = await encrypt_track(video_id, plain, folder.parent, keys, keys.newest_name, alive=_nothing)
    for key, path in track_files(video_id, track, folder.parent):
        await objects.put_file(key, path)
    return Rendition(
        name=folder.name,
        codecs=track.codecs,
        bandwidth_bps=peak_bps(track.segments, track.timescale),
        average_bps=average_bps(track.segments, track.timescale),
        timescale=track.timescale,
        init_key=rendition_key(video_id, folder.name, INIT_NAME, track.key_name),
        key_name=track.key_name,
        segments=track.segments,
        **about,  # type: ignore[arg-type]
    )


async def _nothing() -> None: ...
