"""Renditions in Postgres. Every write locks the video's row first."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import msgspec

from storage.errors import VideoGoneError
from storage.postgres.pool import Database, Session
from storage.postgres.rows import package_of
from storage.queries import Queries
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
class PostgresRenditions:
    """Plans, chunks, finished renditions and their playlists."""

    database: Database
    queries: Queries = field(default_factory=partial(Queries.read, "renditions"))

    async def plan(self, video_id: UUID, plan: EncodingPlan, pass_number: int = 0) -> EncodingPlan:
        """Keep the first plan of a pass and return it."""
        async with self._turn(video_id) as session:
            await session.fetch(self.queries["keep_plan"], video_id, pass_number, plan)
            return await self._planned(session, video_id, pass_number)

    async def plan_all(self, video_id: UUID, plans: tuple[EncodingPlan, ...]) -> EncodingPlan:
        """Keep all plans unless there is a first one, and return that."""
        if not plans:
            raise ValueError("a video without a pass")
        async with self._turn(video_id) as session:
            if await session.fetch_row(self.queries["find_plan"], video_id, 0) is None:
                for number, plan in enumerate(plans):
                    await session.fetch(self.queries["keep_plan"], video_id, number, plan)
            return await self._planned(session, video_id, 0)

    async def find_plan(self, video_id: UUID, pass_number: int = 0) -> EncodingPlan | None:
        """Return the plan of a pass, or None."""
        row = await self.database.fetch_row(self.queries["find_plan"], video_id, pass_number)
        return msgspec.convert(row["plan"], EncodingPlan) if row else None

    async def record_chunk(
        self, video_id: UUID, chunk: int, tracks: tuple[EncodedTrack, ...], pass_number: int = 0
    ) -> int:
        """Keep the first record of a chunk and return how many were missing then."""
        async with self._turn(video_id) as session:
            plan = await self._planned(session, video_id, pass_number)
            check_chunk(plan, chunk, tracks)
            place = video_id, pass_number, chunk
            await session.fetch(self.queries["keep_chunk"], *place, tracks, plan.timeline.chunks)
            row = await session.fetch_row(self.queries["find_missing"], *place)
        return int(row["missing"]) if row else 0

    async def recorded_chunks(self, video_id: UUID, pass_number: int = 0) -> Mapping[int, bool]:
        """Return the recorded chunks, and of each whether it has tracks."""
        rows = await self.database.fetch(self.queries["recorded_chunks"], video_id, pass_number)
        return {row["chunk"]: row["has_tracks"] for row in rows}

    async def forget_chunks(self, video_id: UUID, chunks: Collection[int], pass_number: int = 0) -> int:
        """Forget chunks and what was told of them; return how often that was done."""
        place = video_id, pass_number
        async with self._turn(video_id) as session:
            plan = await self._planned(session, *place)
            if await session.fetch(self.queries["forget_chunks"], *place, [*chunks]):
                await session.fetch(self.queries["count_missing_again"], *place, plan.timeline.chunks)
                await session.fetch(self.queries["forget_announcements"], *place)
            row = await session.fetch_row(self.queries["count_forgotten"], *place)
        return int(row["forgotten"]) if row else 0

    async def find_chunks(self, video_id: UUID, pass_number: int = 0) -> tuple[EncodedChunk, ...]:
        """Return the recorded chunks in order."""
        rows = await self.database.fetch(self.queries["find_chunks"], video_id, pass_number)
        return tuple(
            EncodedChunk(chunk=row["chunk"], tracks=msgspec.convert(row["tracks"], tuple[EncodedTrack, ...]))
            for row in rows
        )

    async def record_rendition(self, video_id: UUID, rendition: Rendition) -> None:
        """Keep a finished rendition, in place of an earlier one."""
        query = self.queries["record_rendition"]
        if await self.database.fetch_row(query, video_id, rendition.name, rendition) is None:
            raise VideoGoneError(video_id)

    async def find(self, video_id: UUID) -> Playable:
        """Return the finished renditions and the newest package."""
        rows = await self.database.fetch(self.queries["find_renditions"], video_id)
        renditions = tuple(msgspec.convert(row["body"], Rendition) for row in rows)
        return Playable(renditions=renditions, package=await self.find_package(video_id))

    async def find_package(self, video_id: UUID) -> Package | None:
        """Return the newest package, or None."""
        row = await self.database.fetch_row(self.queries["find_package"], video_id)
        return package_of(row) if row else None

    async def record_package(self, video_id: UUID, package: Package) -> Package:
        """Keep the first package of a version and return it."""
        values = package.version, package.hls_key, package.dash_key
        async with self._turn(video_id) as session:
            await session.fetch(self.queries["keep_package"], video_id, *values)
            return await self._package(session, video_id, package.version)

    async def announce(self, video_id: UUID, version: int, pass_number: int = 0) -> Package:
        """Keep the first package with which the end of a pass is told, and return it."""
        async with self._turn(video_id) as session:
            query = self.queries["announce_package"]
            row = await session.fetch_row(query, video_id, pass_number, version)
            if row is None:
                raise ValueError(f"pass {pass_number} of video {video_id} was never planned")
            return await self._package(session, video_id, row["package_version"])

    async def record_warnings(self, video_id: UUID, warnings: tuple[SourceWarning, ...]) -> None:
        """Keep what is wrong with a video, each code of a stage once."""
        if await self.database.fetch_row(self.queries["record_warnings"], video_id, warnings) is None:
            raise VideoGoneError(video_id)

    async def withdraw_warning(self, video_id: UUID, stage: str, code: str) -> None:
        """Take a warning back."""
        if await self.database.fetch_row(self.queries["withdraw_warning"], video_id, stage, code) is None:
            raise VideoGoneError(video_id)

    async def record_playable(self, video_id: UUID) -> None:
        """Make the video playable unless it is beyond that."""
        if await self.database.fetch_row(self.queries["record_playable"], video_id) is None:
            raise VideoGoneError(video_id)

    async def _package(self, session: Session, video_id: UUID, version: int) -> Package:
        """Return a package that must be there. Raises ValueError."""
        row = await session.fetch_row(self.queries["package_of_version"], video_id, version)
        if row is None:
            raise ValueError(f"there is no version {version} of video {video_id}")
        return package_of(row)

    async def _planned(self, session: Session, video_id: UUID, pass_number: int) -> EncodingPlan:
        """Return a plan that must be there. Raises ValueError."""
        row = await session.fetch_row(self.queries["find_plan"], video_id, pass_number)
        if row is None:
            raise ValueError(f"pass {pass_number} of video {video_id} was never planned")
        return msgspec.convert(row["plan"], EncodingPlan)

    @asynccontextmanager
    async def _turn(self, video_id: UUID) -> AsyncIterator[Session]:
        """A transaction in which nobody else writes about the video. Raises VideoGoneError."""
        async with self.database.transaction() as session:
            if await session.fetch_row(self.queries["lock_rendered"], video_id) is None:
                raise VideoGoneError(video_id)
            yield session
