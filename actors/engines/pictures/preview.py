"""A short animated picture of a clip."""

from collections.abc import Iterator
from pathlib import Path

import av

from actors.engines.clip.frame_source import frames, packets, seconds_of
from actors.engines.clip.media_file import MediaFile
from actors.engines.clip.orientation import Orientation
from actors.engines.clip.picture_geometry import Size, fit
from actors.engines.pictures.picture_encode import WEBP, animated_webp
from actors.engines.pictures.tone_map import Rgb8
from actors.engines.pictures.upright import still
from actors.engines.sandbox.job_wire import Report
from subjects.media import Picture

PREVIEW_NAME = "preview.webp"
MAX_FRAMES = 24
FRAMES_PER_SECOND = 8.0
BOX_PX = (240, 426)
MAX_DECODED_PX = 1.5e9
_LEAD_SECONDS = 0.5


def write_preview(
    media: MediaFile,
    out_dir: Path,
    *,
    displayed: Size,
    orientation: Orientation,
    around_seconds: float,
    report: Report,
) -> Picture | None:
    """Write up to three seconds around a moment; None when nothing there can be decoded."""
    size = fit(displayed, BOX_PX)
    _go_to(media, max(0.0, around_seconds - _LEAD_SECONDS))
    pictures = list(_pictures(media, size, orientation, report))
    if not pictures:
        return None
    (out_dir / PREVIEW_NAME).write_bytes(animated_webp(pictures, FRAMES_PER_SECOND))
    return Picture(key=PREVIEW_NAME, content_type=WEBP, width_px=size[0], height_px=size[1])


def _pictures(media: MediaFile, size: Size, orientation: Orientation, report: Report) -> Iterator[Rgb8]:
    """Evenly timed pictures from where the container stands, within the budget."""
    count, spent_px, first = 0, 0, None
    for frame in frames(media, packets(media)):
        report(0.8 + 0.15 * count / MAX_FRAMES, "animating a preview")
        at = seconds_of(media, frame.pts)
        first = at if first is None else first
        if at - first >= count / FRAMES_PER_SECOND:
            count += 1
            yield still(frame, size, orientation).upright(orientation)
        spent_px += frame.width * frame.height
        if count >= MAX_FRAMES or spent_px > MAX_DECODED_PX:
            return


def _go_to(media: MediaFile, at_seconds: float) -> None:
    """The key frame before a moment, or wherever the container can still be read."""
    start = (media.container.start_time or 0) / av.time_base
    try:
        media.container.seek(
            int((at_seconds + start) / float(media.video.time_base or 1)), stream=media.video
        )
    except av.FFmpegError:
        media.video.codec_context.flush_buffers()
