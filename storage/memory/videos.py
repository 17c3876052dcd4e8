"""Twin of the videos."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from storage.identity_records import UploadQuota
from storage.journey import STAGE_NAMES, whole_journey
from storage.memory.stages import with_stage
from storage.memory.state import State
from storage.records import (
    Box,
    Illustration,
    NewUpload,
    NewVideo,
    Original,
    Rejection,
    StageRecord,
    Upload,
    Video,
    VideoChanges,
    VideoQuery,
)
from storage.words import storable, words_of
from subjects.codec import Envelope
from subjects.media import Location, Metadata


@dataclass(frozen=True, slots=True)
class MemoryVideos:
    """Keeps whole videos in the shared state."""

    state: State

    async def create(self, video: NewVideo, upload: NewUpload, quota: UploadQuota | None = None) -> None:
        """Keep the intent and its upload; a known id changes nothing."""
        if video.id in self.state.videos:
            return
        self.state.announce(upload, quota)
        texts = {"title": storable(video.title), "description": storable(video.description)}
        row = Video(**(asdict(video) | texts), updated_at=video.created_at, stages=whole_journey(()))
        self.state.videos[video.id] = row
        if video.location is not None:
            self.state.placed_by_owner.add(video.id)

    async def find(self, video_id: UUID, viewer_id: UUID) -> Video | None:
        """Return a video the viewer may see."""
        video = self.state.videos.get(video_id)
        return video if video and (video.user_id == viewer_id or video.visibility != "private") else None

    async def page(
        self, query: VideoQuery, viewer_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Video]:
        """Return up to `limit` videos, newest first."""
        newest_first = sorted(self.state.videos.values(), key=lambda v: (v.created_at, v.id), reverse=True)
        listed = (v for v in newest_first if v.user_id == viewer_id or v.visibility == "public")
        older = (v for v in listed if before is None or (v.created_at, v.id) < before)
        return [v for v in older if _answers(query, v)][:limit]

    async def edit(self, video_id: UUID, owner_id: UUID, changes: VideoChanges) -> Video | None:
        """Apply an owner's changes."""
        video = self.state.owned(video_id, owner_id)
        if video is None:
            return None
        said = {name: value for name, value in asdict(changes).items() if value is not msgspec.UNSET}
        if "location" in said:
            self.state.placed_by_owner.add(video_id)
        texts = {name: storable(said[name]) for name in ("title", "description") if name in said}
        return self.state.keep(video, **(said | texts))

    async def remove(self, video_id: UUID, owner_id: UUID, announce: Envelope) -> bool:
        """Delete a video, leave its uploads to the sweep, and promise the news."""
        if self.state.owned(video_id, owner_id) is None:
            return False
        del self.state.videos[video_id]
        self.state.forget_renditions(video_id)
        self.state.placed_by_owner.discard(video_id)
        for upload in [u for u in self.state.uploads.values() if u.video_id == video_id]:
            self._detach(upload)
        self._forget_duplicate(video_id)
        self.state.promise(announce)
        return True

    def _detach(self, upload: Upload) -> None:
        live = upload.state in ("open", "complete")
        state = "terminated" if live else upload.state
        self.state.uploads[upload.id] = replace(upload, state=state, video_id=None)
        if live:
            self.state.sweeps[upload.id].closed_at = self.state.now()

    def _forget_duplicate(self, video_id: UUID) -> None:
        for video in list(self.state.videos.values()):
            if video.original and video.original.duplicate_of == video_id:
                original = replace(video.original, duplicate_of=None)
                self.state.videos[video.id] = replace(video, original=original)

    async def reopen(self, video_id: UUID, owner_id: UUID) -> tuple[str, ...] | None:
        """Make failed stages pending; the names of those that were."""
        video = self.state.owned(video_id, owner_id)
        if video is None:
            return None
        failed = tuple(s.name for s in video.stages if s.state == "failed")
        if not failed or video.status == "rejected":
            return ()
        stages = whole_journey(s for s in video.stages if s.state != "failed")
        self.state.keep(video, stages=stages, status="playable" if video.package else "processing")
        return failed

    async def load(self, video_id: UUID) -> Video:
        """Return a video for an actor."""
        return self.state.video(video_id)

    async def record_original(self, video_id: UUID, original: Original) -> Original:
        """Keep the first original and find what it duplicates."""
        video = self.state.video(video_id)
        if video.original is not None:
            return video.original
        kept = replace(original, duplicate_of=self._duplicate_of(video, original.sha256))
        status = "processing" if video.status in ("waiting", "failed") else video.status
        self.state.keep(video, original=kept, status=status)
        return kept

    def _duplicate_of(self, video: Video, sha256: str) -> UUID | None:
        same = [
            (v.created_at, v.id)
            for v in self.state.videos.values()
            if v.user_id == video.user_id and v.original is not None and v.original.sha256 == sha256
        ]
        return min(same)[1] if same else None

    async def record_probe(
        self, video_id: UUID, metadata: Metadata, location: Location | None, recorded_at: datetime | None
    ) -> Video:
        """Keep what the prober learned where the owner said nothing."""
        video = self.state.video(video_id)
        place = video.location if video_id in self.state.placed_by_owner else location or video.location
        return self.state.keep(
            video, metadata=metadata, location=place, recorded_at=video.recorded_at or recorded_at
        )

    async def record_illustration(self, video_id: UUID, illustration: Illustration) -> None:
        """Keep the pictures, in place of earlier ones."""
        self.state.keep(self.state.video(video_id), illustration=illustration)

    async def reject(self, video_id: UUID, stage: str, code: str, detail: str) -> None:
        """Make the video rejected and the stage failed; the first rejection stands."""
        video = self.state.video(video_id)
        if video.status == "rejected":
            return
        detail = storable(detail)
        attempt = next((s.attempt for s in video.stages if s.name == stage), 0)
        record = StageRecord(name=stage, state="failed", attempt=attempt, error=f"{code}: {detail}")
        stages = with_stage(video, record) if stage in STAGE_NAMES else video.stages
        rejection = Rejection(code=code, detail=detail)
        self.state.keep(video, status="rejected", rejection=rejection, stages=stages)

    async def finish(self, video_id: UUID) -> None:
        """Make the video ready unless it was rejected."""
        video = self.state.video(video_id)
        if video.status not in ("rejected", "ready"):
            self.state.keep(video, status="ready")


def _answers(query: VideoQuery, video: Video) -> bool:
    """Whether a video is one of those asked for."""
    asked: tuple[tuple[object, Callable[[], bool]], ...] = (
        (query.user_id, lambda: video.user_id == query.user_id),
        (query.status, lambda: video.status == query.status),
        (query.box, lambda: _lies_in(query.box, video.location)),
        (query.text, lambda: _contains(query.text, video)),
    )
    return all(holds() for wanted, holds in asked if wanted is not None)


def _lies_in(box: Box | None, place: Location | None) -> bool:
    if box is None or place is None or not box.south <= place.lat <= box.north:
        return False
    if box.west <= box.east:
        return box.west <= place.lng <= box.east
    return place.lng >= box.west or place.lng <= box.east


def _contains(text: str | None, video: Video) -> bool:
    return set(words_of(text)) <= {*words_of(video.title), *words_of(video.description)}
