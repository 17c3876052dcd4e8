"""The job of the illustrator: poster, storyboard, preview and frames. Runs in the child."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from av.video.frame import VideoFrame

from actors.engines.clip.frame_source import Tick, samples, survey
from actors.engines.clip.media_file import MediaFile, open_media
from actors.engines.clip.orientation import Orientation
from actors.engines.clip.picture_geometry import Size
from actors.engines.clip.sampling import Moment, Strategy, choose_strategy, plan_moments
from actors.engines.errors import BadMedia, Refusal
from actors.engines.pictures.poster import Candidates
from actors.engines.pictures.preview import write_preview
from actors.engines.pictures.storyboard import plan_storyboard
from actors.engines.pictures.storyboard_sheets import StoryboardSheets
from actors.engines.pictures.thumbnails import IllustrateRequest, Illustration
from actors.engines.pictures.upright import still
from actors.engines.sandbox.job_wire import Report
from subjects.media import Metadata


def illustrate(request: IllustrateRequest, report: Report) -> Illustration:
    """Sample the clip once, then write everything. Each step opens the clip for itself: it costs 2 ms."""
    out_dir, view = Path(request.out_dir), _View.of(request.metadata)
    candidates, sheets = _sampled(request, view, report)
    chosen = candidates.chosen(request.wanted_frames)
    if not chosen:
        raise BadMedia(Refusal.NO_FRAMES)
    posters = candidates.write_poster(chosen[0], out_dir, lambda: report(0.65, "writing the poster"))
    frames = []
    for number, candidate in enumerate(chosen, start=1):
        report(0.7, f"writing frame {number}")
        frames.append(candidates.write_frame(candidate, number, out_dir))
    report(0.75, "writing the storyboard")
    storyboard = sheets.write(out_dir)
    with open_media(Path(request.path), request.max_picture_px) as media:
        preview = write_preview(
            media,
            out_dir,
            displayed=view.displayed,
            orientation=view.orientation,
            around_seconds=chosen[0].at_seconds,
            report=report,
        )
    return Illustration(
        posters=posters,
        poster_at_seconds=round(chosen[0].at_seconds, 3),
        storyboard=storyboard,
        frames=tuple(frames),
        preview=preview,
    )


@dataclass(frozen=True, slots=True)
class _View:
    """How the clip is shown."""

    displayed: Size
    orientation: Orientation
    duration_seconds: float

    @classmethod
    def of(cls, metadata: Metadata) -> "_View":
        return cls(
            (metadata.width_px, metadata.height_px),
            Orientation(metadata.rotation_degrees, metadata.mirrored),
            max(metadata.duration_seconds, 0.001),
        )


def _sampled(request: IllustrateRequest, view: _View, report: Report) -> tuple[Candidates, StoryboardSheets]:
    plan = plan_storyboard(view.duration_seconds, view.displayed)
    candidates, sheets = Candidates(view.displayed, view.orientation), StoryboardSheets(plan)
    moments = plan_moments(view.duration_seconds, [tile.middle_seconds for tile in plan.tiles])
    path = Path(request.path)
    with open_media(path, request.max_picture_px) as media:
        strategy = _strategy(media, moments, view, report)
    with open_media(path, request.max_picture_px) as media:
        tick = _ticker(report, 0.1, 0.5, view.duration_seconds, "looking for good frames")
        considered = None
        for at_seconds, frame, due in samples(media, moments, strategy, tick):
            _paste(frame, due, view, sheets)
            if at_seconds != considered and any(moment.tile is None for moment in due):
                considered = at_seconds
                candidates.consider(at_seconds, frame)
    return candidates, sheets


def _strategy(media: MediaFile, moments: Sequence[Moment], view: _View, report: Report) -> Strategy:
    found = survey(media, _ticker(report, 0.0, 0.1, view.duration_seconds, "reading"))
    return choose_strategy(found, moments, view.displayed[0] * view.displayed[1])


def _paste(frame: VideoFrame, due: Sequence[Moment], view: _View, sheets: StoryboardSheets) -> None:
    tiles = [moment.tile for moment in due if moment.tile is not None]
    if tiles:
        picture = still(frame, sheets.tile_size, view.orientation).upright(view.orientation)
        for tile in tiles:
            sheets.paste(tile, picture)


def _ticker(report: Report, start: float, share: float, whole_seconds: float, note: str) -> Tick:
    """Turns times in the clip into progress from `start` to `start + share`."""
    return lambda at_seconds: report(start + share * min(1.0, max(0.0, at_seconds / whole_seconds)), note)
