"""A clip in two languages as our own engines package it: its pictures and sounds are copied."""

from pathlib import Path
from uuid import UUID

from actors.engines.cmaf.remux import RemuxRequest
from actors.engines.cmaf.remux_job import remux
from actors.engines.cmaf.renditions import picture_rendition, sound_rendition, track_files
from actors.engines.packaging.presentation import Presentation
from actors.engines.packaging.texts import package_texts
from storage.keys import derived_key
from storage.ports import Objects
from subjects.media import Metadata
from tests.sync_clips import FPS, Film, Voice

SECONDS = 10.0
FILM = Film(
    seconds=SECONDS,
    voices=(
        Voice(language="eng", end_seconds=SECONDS),
        Voice(language="deu", title="Deutsch", end_seconds=SECONDS),
    ),
)


async def package_two_languages(objects: Objects, video_id: UUID, directory: Path) -> None:
    """Store all files of the clip, below the same names as every version of a package."""
    path = FILM.write(directory / "source.mp4")
    request = RemuxRequest(path=str(path), out_dir=str(directory), duration_seconds=SECONDS)
    made = remux(request, lambda fraction, note: None)
    assert made.video is not None
    metadata = Metadata(
        duration_seconds=SECONDS,
        format="mp4",
        size_bytes=path.stat().st_size,
        width_px=64,
        height_px=48,
        fps=FPS,
        codec="h264",
        bitrate_bps=500_000,
    )
    renditions = (
        picture_rendition(video_id, made.video, metadata),
        *(sound_rendition(video_id, one) for one in made.sounds),
    )
    for track in (made.video, *(one.track for one in made.sounds)):
        for key, file in track_files(video_id, track, directory):
            await objects.put_file(key, file)
    presentation = Presentation(folder=derived_key(video_id, "cmaf/v1"), renditions=renditions)
    for name, text in package_texts(presentation).items():
        await objects.put(f"{presentation.folder}/{name}", text.encode())
