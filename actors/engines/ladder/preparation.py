"""What comes before pictures are encoded: a look into the source, its sound, and itself if it plays.

Each step is a job of its own in the sandbox, so what a clip does to one child costs that step alone.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from actors.engines.blame import blamed_on_the_clip
from actors.engines.clip.inspection import Inspector
from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.clip.probe_limits import ProbeLimits, check_cost
from actors.engines.cmaf.remux import Remuxed, Remuxer
from actors.engines.errors import BadMedia
from actors.engines.ladder.ladder import Ladder, ladder_of
from actors.engines.ladder.policy import LadderPolicy
from actors.engines.sandbox.sandbox import OnProgress, Sandbox
from actors.engines.sound.audio import EncodedSounds, Sound, SoundEncoder
from subjects.media import Metadata, Timeline
from subjects.warning import WarningCode

logger = logging.getLogger(__name__)

_INSPECTED: Final = 0.3
_PACKAGED: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was found out and made, in folders named like the renditions."""

    ladder: Ladder
    source: Remuxed | None = None
    """The source itself, when it plays as it is; what of its sound was copied is in `sounds`, too."""
    sounds: tuple[Sound, ...] = ()
    """Every track that is heard, copied or encoded, the default one first."""
    warnings: tuple[WarningCode, ...] = ()
    """What its owner should know, as codes: `sound_left_out` when a track has nothing that can be heard."""


@dataclass(frozen=True, slots=True)
class Preparer:
    """Prepares sources in the sandbox."""

    sandbox: Sandbox
    policy: LadderPolicy = field(default=LadderPolicy())

    async def prepare(
        self, path: Path, metadata: Metadata, out_dir: Path, attempt: int, on_progress: OnProgress
    ) -> Prepared:
        """Prepare a probed clip. Safe to repeat: it overwrites its own files.

        Raises BadMedia when no picture can be decoded, and EngineError when a child died, unless this is the
        attempt on which the clip is to blame. A source that cannot be cut is encoded, sound that cannot be
        decoded is left out: neither keeps the pictures from playing.
        """
        with blamed_on_the_clip(attempt):
            facts = await Inspector(self.sandbox).inspect(
                path, size_bytes=metadata.size_bytes, on_progress=_within(on_progress, 0.0, _INSPECTED)
            )
        ladder, source = ladder_of(metadata, facts, self.policy), None
        # A few pictures, hours apart, become a timeline of very many: only now it is known how many.
        check_cost(facts.stored_width_px * facts.stored_height_px, ladder.timeline.frames, ProbeLimits())
        warned = facts.warnings
        if ladder.untouched:
            told, made = _within(on_progress, _INSPECTED, _PACKAGED), None
            with _at_worst(attempt, f"{path.name} is encoded, though it might play"):
                made = await self._packaged(path, metadata, ladder.timeline, out_dir, told)
            source = made if made is not None and not made.unfit else None
            ladder = ladder if source is not None else self._touched(metadata, facts)
            # Only what no child survived is damage: what is unfit is as its owner meant it, or told of.
            warned = warned if made is not None else (*warned, WarningCode.SOURCE_ENCODED)
        if metadata.audio is None:
            return Prepared(ladder=ladder, source=source, warnings=warned)
        copied, heard = source.sounds if source is not None else (), None
        with _at_worst(attempt, f"{path.name} is left without sound that could not be copied"):
            told = _within(on_progress, _PACKAGED, 1.0)
            heard = await self._heard(path, ladder.timeline, out_dir, copied, told)
        sounds = (*copied, *(heard.sounds if heard is not None else ()))
        return Prepared(ladder=ladder, source=source, sounds=sounds, warnings=(*warned, *_warnings(heard)))

    async def _packaged(
        self, path: Path, metadata: Metadata, line: Timeline, out_dir: Path, on_progress: OnProgress
    ) -> Remuxed:
        """Return the source in segments, or why it is not fit for that."""
        made = await Remuxer(self.sandbox).remux(
            path,
            out_dir,
            duration_seconds=line.frames / line.fps,
            size_bytes=metadata.size_bytes,
            on_progress=on_progress,
        )
        if made.unfit:
            logger.info("%s is encoded, though it might play: %s", path.name, made.unfit)
        return made

    async def _heard(
        self,
        path: Path,
        line: Timeline,
        out_dir: Path,
        copied: Sequence[Sound],
        on_progress: OnProgress,
    ) -> EncodedSounds:
        """Return the tracks that were not copied, encoded. A child costs little where there is none."""
        made = await SoundEncoder(self.sandbox).encode(
            path,
            out_dir,
            duration_seconds=line.frames / line.fps,
            segment_seconds=line.segment_frames / line.fps,
            copied=tuple(one.facts.index for one in copied),
            on_progress=on_progress,
        )
        if made.left_out:
            logger.info("%s has %s more tracks of sound, which are left out", path.name, made.left_out)
        return made

    def _touched(self, metadata: Metadata, facts: PictureFacts) -> Ladder:
        """Return the ladder of a clip that turned out to begin at none of its key frames."""
        return ladder_of(metadata, replace(facts, starts_with_key_frame=False), self.policy)


def _warnings(made: EncodedSounds | None) -> tuple[WarningCode, ...]:
    """Return what to tell of the sound; None is that of a child that died of it."""
    left_out = made is None or made.dead
    damaged = made is not None and any(one.warnings for one in made.sounds)
    told = ((WarningCode.SOUND_LEFT_OUT, left_out), (WarningCode.DAMAGED_SOUND, damaged))
    return tuple(code for code, is_so in told if is_so)


@contextmanager
def _at_worst(attempt: int, outcome: str) -> Iterator[None]:
    """Do without what the body makes when the clip is to blame that it cannot be made."""
    try:
        with blamed_on_the_clip(attempt):
            yield
    except BadMedia as refused:
        logger.warning("%s: %s", outcome, refused)


def _within(on_progress: OnProgress, start: float, end: float) -> OnProgress:
    """Return what reports the progress of a part as that of the whole."""

    async def report(fraction: float, note: str) -> None:
        await on_progress(start + (end - start) * fraction, note)

    return report
