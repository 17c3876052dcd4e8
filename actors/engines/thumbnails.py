"""The pictures of a clip: the job that makes poster, storyboard, preview and frames, and its adapter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from av.video.frame import VideoFrame

from actors.engines.errors import BadMedia, Refusal
from actors.engines.frame_source import Tick, samples, survey
from actors.engines.job_wire import Limits, Report
from actors.engines.media_file import MediaFile, open_media
from actors.engines.orientation import Orientation
from actors.engines.picture_geometry import Size
from actors.engines.poster import Candidates
from actors.engines.preview import write_preview
from actors.engines.probe_limits import ProbeLimits
from actors.engines.sampling import Moment, Strategy, choose_strategy, plan_moments
from actors.engines.sandbox import OnProgress, Sandbox
from actors.engines.storyboard import plan_storyboard
from actors.engines.storyboard_sheets import StoryboardSheets
from actors.engines.upright import still
from subjects.media import Frame, Metadata, Picture, Storyboard


class IllustrateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A local file, what the probe said about it, and an existing empty directory to write to."""

    path: str
    metadata: Metadata
    out_dir: str
    max_picture_px: int = ProbeLimits().max_picture_px
    wanted_frames: int = 5


class Illustration(msgspec.Struct, frozen=True, kw_only=True):
    """The pictures that were written; every key is a file name inside the directory."""

    posters: tuple[Picture, ...]
    poster_at_seconds: float
    storyboard: Storyboard
    frames: tuple[Frame, ...]
    preview: Picture | None = None


@dataclass(frozen=True, slots=True)
class Illustrator:
    """Illustrates clips in the sandbox."""

    sandbox: Sandbox
    job_limits: Limits = field(default=Limits(cpu_seconds=120, wall_seconds=120.0, file_bytes=16 << 20))

    async def illustrate(
        self, path: Path, metadata: Metadata, out_dir: Path, on_progress: OnProgress | None = None
    ) -> Illustration:
        """Make the pictures of a probed clip. Safe to repeat: it overwrites its own files.

        Raises BadMedia `no_frames` when nothing can be decoded, and EngineError when the child died.
        """
        request = IllustrateRequest(path=str(path), metadata=metadata, out_dir=str(out_dir))
        return await self.sandbox.run(illustrate, request, Illustration, self.job_limits, on_progress)


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
