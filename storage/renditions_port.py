"""What actors and the gateway may ask about renditions.

The docstring is the contract; the adapter and its twin are held to it by `tests/contract/test_renditions.py`.
Every method may raise StorageUnavailableError, and every write is safe to repeat.
"""

from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from storage.rendition_records import EncodedChunk, EncodedTrack, EncodingPlan, Package, Playable
from subjects.media import Rendition
from subjects.warning import SourceWarning


class Renditions(Protocol):
    """How far the encoding of each video is, and what can be played. All of it goes with its video."""

    async def plan(self, video_id: UUID, plan: EncodingPlan, pass_number: int = 0) -> EncodingPlan:
        """Keep the plan of a pass and return it. The first one stands: go on with what is returned.

        Chunks made by one plan do not fit another one, so settings that change meanwhile change nothing.
        Raises VideoGoneError.
        """

    async def plan_all(self, video_id: UUID, plans: tuple[EncodingPlan, ...]) -> EncodingPlan:
        """Keep the plans of all passes at once and return that of the first.

        All or none: where a first pass is planned already everything stays as it is. Raises VideoGoneError,
        and ValueError for no plans.
        """

    async def find_plan(self, video_id: UUID, pass_number: int = 0) -> EncodingPlan | None:
        """Return the plan of a pass, or None, also when the video is gone."""

    async def record_chunk(
        self, video_id: UUID, chunk: int, tracks: tuple[EncodedTrack, ...], pass_number: int = 0
    ) -> int:
        """Keep what was made of a chunk and return how many chunks of the pass were missing then.

        The first record of a chunk stands, and a repetition returns what it returned. Those that record at
        the same time take turns: so one chunk of a pass, the last, sees 0, and no other ever does. ValueError
        for a chunk that the plan does not have, or for tracks that are not its rungs; no tracks at all say
        that nothing could be made of it. Raises VideoGoneError.
        """

    async def recorded_chunks(self, video_id: UUID, pass_number: int = 0) -> Mapping[int, bool]:
        """Return the chunks that are recorded, and of each whether it has tracks.

        Empty also when the video is gone.
        """

    async def forget_chunks(self, video_id: UUID, chunks: Collection[int], pass_number: int = 0) -> int:
        """Forget chunks of a pass, and with which package its end and those of later ones were told.

        Returns how often chunks of the pass were forgotten, this time included; a time when there was none to
        forget does not count. After that one chunk, the last that is recorded, sees 0 again. Raises
        VideoGoneError, and ValueError for a pass that was never planned.
        """

    async def find_chunks(self, video_id: UUID, pass_number: int = 0) -> tuple[EncodedChunk, ...]:
        """Return the recorded chunks of a pass in order. Empty also when the video is gone."""

    async def record_rendition(self, video_id: UUID, rendition: Rendition) -> None:
        """Keep a finished rendition, in place of an earlier one of that name. Raises VideoGoneError."""

    async def find(self, video_id: UUID) -> Playable:
        """Return the finished renditions by name and the newest package; nothing when the video is gone."""

    async def find_package(self, video_id: UUID) -> Package | None:
        """Return the newest package, or None. Without the renditions: a long video has many segments.

        The gateway asks this about a video that whoever asks may see.
        """

    async def record_package(self, video_id: UUID, package: Package) -> Package:
        """Keep a package and return what stands under its version: the first. Raises VideoGoneError.

        So whoever read version n, then what is finished, and keeps n + 1 has missed nothing that another one
        knew: of two at the same time one is second, and must read again.
        """

    async def announce(self, video_id: UUID, version: int, pass_number: int = 0) -> Package:
        """Keep with which package the end of a pass is told, and return it: the first one stands.

        ValueError for a pass that was never planned, or a version that there is not. Raises VideoGoneError.
        """

    async def record_warnings(self, video_id: UUID, warnings: tuple[SourceWarning, ...]) -> None:
        """Keep what is wrong with a video, each code of a stage once: the first stands.

        Raises VideoGoneError. What is kept is part of the video's record, in order of stage and code.
        """

    async def withdraw_warning(self, video_id: UUID, stage: str, code: str) -> None:
        """Take a warning back: what it said is so no more. Raises VideoGoneError."""

    async def record_playable(self, video_id: UUID) -> None:
        """Make the video `playable`, unless it is ready, rejected or failed. Raises VideoGoneError."""
