"""Candidates for the poster, and the pictures that are made of the best ones."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from actors.engines.clip.orientation import Orientation
from actors.engines.clip.picture_geometry import Size, fit, poster_sizes
from actors.engines.pictures.frame_choice import choose, gray, score, signature
from actors.engines.pictures.picture_encode import JPEG, WEBP, jpeg, webp
from actors.engines.pictures.upright import Still, resized, still
from subjects.media import Frame, Picture

FRAME_BOX_PX = (1024, 1024)
_SCORING_BOX_PX = (480, 480)
_HELD = 12


@dataclass(frozen=True, slots=True)
class Candidate:
    """A frame worth keeping: scaled to the largest poster, still turned as it is stored."""

    at_seconds: float
    score: float
    signature: npt.NDArray[np.float32]
    still: Still


class Candidates:
    """The best candidates so far: a dozen of poster size, so memory does not grow with the clip."""

    def __init__(self, displayed: Size, orientation: Orientation) -> None:
        self._sizes = poster_sizes(displayed)
        self._scoring = fit(displayed, _SCORING_BOX_PX)
        self._orientation = orientation
        self._held: list[Candidate] = []

    def consider(self, at_seconds: float, frame: VideoFrame) -> None:
        """Score a frame, and hold it if it is among the best."""
        luma = gray(still(frame, self._scoring, self._orientation).upright(self._orientation))
        value = score(luma)
        if len(self._held) == _HELD and value <= self._held[-1].score:
            return
        kept = still(frame, self._sizes[-1], self._orientation)
        self._held.append(Candidate(at_seconds, value, signature(luma), kept))
        self._held.sort(key=lambda candidate: (-candidate.score, candidate.at_seconds))
        del self._held[_HELD:]

    def chosen(self, wanted: int) -> tuple[Candidate, ...]:
        """Distinct candidates, best first; empty when nothing was considered."""
        scores = [candidate.score for candidate in self._held]
        picked = choose(scores, [candidate.signature for candidate in self._held], wanted)
        return tuple(self._held[index] for index in picked)

    def write_poster(self, best: Candidate, out_dir: Path, report: Callable[[], None]) -> tuple[Picture, ...]:
        """Write the poster in every size as JPEG and WebP."""
        largest = best.still.upright(self._orientation)
        pictures = []
        for size in self._sizes:
            report()
            rgb = resized(largest, size)
            for suffix, content_type, data in (("jpg", JPEG, jpeg(rgb)), ("webp", WEBP, webp(rgb))):
                name = f"poster-{size[0]}.{suffix}"
                (out_dir / name).write_bytes(data)
                pictures.append(
                    Picture(key=name, content_type=content_type, width_px=size[0], height_px=size[1])
                )
        return tuple(pictures)

    def write_frame(self, candidate: Candidate, number: int, out_dir: Path) -> Frame:
        """Write a frame for later actors."""
        rgb = candidate.still.upright(self._orientation)
        name = f"frame-{number}.jpg"
        (out_dir / name).write_bytes(jpeg(resized(rgb, fit((rgb.shape[1], rgb.shape[0]), FRAME_BOX_PX))))
        return Frame(key=name, at_seconds=round(candidate.at_seconds, 3), score=round(candidate.score, 4))
