"""Twin of the renditions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from storage.memory.state import State
from storage.rendition_records import (
    EncodedChunk,
    EncodedTrack,
    EncodingPlan,
    Package,
    Playable,
    check_chunk,
)
from subjects.media import Rendition
from subjects.warning import SourceWarning


@dataclass(frozen=True, slots=True)
class MemoryRenditions:
    """Plans, chunks, finished renditions and their playlists in the shared state."""

    state: State

    async def plan(self, video_id: UUID, plan: EncodingPlan, pass_number: int = 0) -> EncodingPlan:
        """Keep the first plan of a pass and return it."""
        self.state.video(video_id)
        return self.state.plans.setdefault((video_id, pass_number), plan)

    async def plan_all(self, video_id: UUID, plans: tuple[EncodingPlan, ...]) -> EncodingPlan:
        """Keep all plans unless there is a first one, and return that."""
        self.state.video(video_id)
        if not plans:
            raise ValueError("a video without a pass")
        for number, plan in enumerate(plans) if (video_id, 0) not in self.state.plans else ():
            self.state.plans[video_id, number] = plan
        return self.state.plans[video_id, 0]

    async def find_plan(self, video_id: UUID, pass_number: int = 0) -> EncodingPlan | None:
        """Return the plan of a pass, or None."""
        return self.state.plans.get((video_id, pass_number))

    async def record_chunk(
        self, video_id: UUID, chunk: int, tracks: tuple[EncodedTrack, ...], pass_number: int = 0
    ) -> int:
        """Keep the first record of a chunk and return how many were missing then."""
        self.state.video(video_id)
        plan = self.state.plans.get((video_id, pass_number))
        if plan is None:
            raise ValueError(f"pass {pass_number} of video {video_id} was never planned")
        check_chunk(plan, chunk, tracks)
        chunks = self.state.chunks.setdefault((video_id, pass_number), {})
        chunks.setdefault(chunk, EncodedChunk(chunk=chunk, tracks=tracks))
        return plan.timeline.chunks - 1 - list(chunks).index(chunk)  # a dictionary keeps the order of arrival

    async def recorded_chunks(self, video_id: UUID, pass_number: int = 0) -> Mapping[int, bool]:
        """Return the recorded chunks, and of each whether it has tracks."""
        chunks = self.state.chunks.get((video_id, pass_number), {})
        return {number: bool(one.tracks) for number, one in chunks.items()}

    async def forget_chunks(self, video_id: UUID, chunks: Collection[int], pass_number: int = 0) -> int:
        """Forget chunks and what was told of them; return how often that was done."""
        self.state.video(video_id)
        place = video_id, pass_number
        if place not in self.state.plans:
            raise ValueError(f"pass {pass_number} of video {video_id} was never planned")
        known = self.state.chunks.setdefault(place, {})
        forgotten = [known.pop(chunk) for chunk in {*chunks} if chunk in known]
        if forgotten:
            self.state.forgotten[place] = self.state.forgotten.get(place, 0) + 1
            for other in [one for one in self.state.announced if one[0] == video_id and one >= place]:
                del self.state.announced[other]
        return self.state.forgotten.get(place, 0)

    async def find_chunks(self, video_id: UUID, pass_number: int = 0) -> tuple[EncodedChunk, ...]:
        """Return the recorded chunks in order."""
        chunks = self.state.chunks.get((video_id, pass_number), {})
        return tuple(chunks[number] for number in sorted(chunks))

    async def record_rendition(self, video_id: UUID, rendition: Rendition) -> None:
        """Keep a finished rendition, in place of an earlier one."""
        self.state.keep(self.state.video(video_id))
        self.state.renditions.setdefault(video_id, {})[rendition.name] = rendition

    async def find(self, video_id: UUID) -> Playable:
        """Return the finished renditions and the newest package."""
        known = self.state.renditions.get(video_id, {})
        return Playable(
            renditions=tuple(known[name] for name in sorted(known)),
            package=await self.find_package(video_id),
        )

    async def find_package(self, video_id: UUID) -> Package | None:
        """Return the newest package, or None."""
        packages = self.state.packages.get(video_id, {})
        return packages[max(packages)] if packages else None

    async def record_package(self, video_id: UUID, package: Package) -> Package:
        """Keep the first package of a version and return it."""
        video = self.state.video(video_id)
        packages = self.state.packages.setdefault(video_id, {})
        if package.version not in packages:
            packages[package.version] = package
            self.state.keep(video, package=packages[max(packages)])
        return packages[package.version]

    async def announce(self, video_id: UUID, version: int, pass_number: int = 0) -> Package:
        """Keep the first package with which the end of a pass is told, and return it."""
        self.state.video(video_id)
        if (video_id, pass_number) not in self.state.plans:
            raise ValueError(f"pass {pass_number} of video {video_id} was never planned")
        told = self.state.announced.get((video_id, pass_number), version)
        package = self.state.packages.get(video_id, {}).get(told)
        if package is None:
            raise ValueError(f"there is no version {told} of video {video_id}")
        self.state.announced[video_id, pass_number] = told
        return package

    async def record_warnings(self, video_id: UUID, warnings: tuple[SourceWarning, ...]) -> None:
        """Keep what is wrong with a video, each code of a stage once."""
        video = self.state.video(video_id)
        known = {(one.stage, one.code): one for one in (*reversed(warnings), *video.warnings)}
        kept = tuple(known[place] for place in sorted(known))
        if kept != video.warnings:
            self.state.keep(video, warnings=kept)

    async def withdraw_warning(self, video_id: UUID, stage: str, code: str) -> None:
        """Take a warning back."""
        video = self.state.video(video_id)
        kept = tuple(one for one in video.warnings if (one.stage, one.code) != (stage, code))
        if kept != video.warnings:
            self.state.keep(video, warnings=kept)

    async def record_playable(self, video_id: UUID) -> None:
        """Make the video playable unless it is beyond that."""
        video = self.state.video(video_id)
        if video.status not in ("playable", "ready", "rejected", "failed"):
            self.state.keep(video, status="playable")
