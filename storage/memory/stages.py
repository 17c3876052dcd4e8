"""Twin of the stages."""

from dataclasses import dataclass
from uuid import UUID

from storage.journey import STAGE_NAMES, whole_journey
from storage.memory.state import State
from storage.records import StageRecord, StageState, Video
from storage.words import storable


@dataclass(frozen=True, slots=True)
class MemoryStages:
    """Keeps where each stage stands inside the video of the shared state."""

    state: State

    async def settle(
        self, video_id: UUID, stage: str, state: StageState, attempt: int, error: str | None
    ) -> None:
        """Keep the outcome of a stage, unless there is nothing to keep it for."""
        video = self.state.videos.get(video_id)
        if video is None or stage not in STAGE_NAMES or _is_sealed(video, stage):
            return
        record = StageRecord(name=stage, state=state, attempt=attempt, error=storable(error))
        stages = with_stage(video, record)
        status = "failed" if state == "failed" and video.status != "rejected" else video.status
        self.state.keep(video, stages=stages, status=status)


def with_stage(video: Video, record: StageRecord) -> tuple[StageRecord, ...]:
    """Return a video's stages with one of them replaced."""
    return whole_journey([*video.stages, record])


def _is_sealed(video: Video, stage: str) -> bool:
    """Whether the stage is the one that rejected the video: that stays."""
    return video.status == "rejected" and any(s.name == stage and s.state == "failed" for s in video.stages)
