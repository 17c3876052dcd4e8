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
    ) -> bool:
        """Keep the outcome of a stage, unless there is nothing to keep it for."""
        video = self.state.videos.get(video_id)
        if video is None or _is_sealed(video, stage, state):
            return False
        stages = video.stages
        if stage in STAGE_NAMES:
            record = StageRecord(name=stage, state=state, attempt=attempt, error=storable(error))
            stages = with_stage(video, record)
        elif state != "failed" or video.status in ("ready", "rejected"):
            return False
        status = "failed" if state == "failed" and video.status != "rejected" else video.status
        self.state.keep(video, stages=stages, status=status)
        return True


def with_stage(video: Video, record: StageRecord) -> tuple[StageRecord, ...]:
    """Return a video's stages with one of them replaced."""
    return whole_journey([*video.stages, record])


def _is_sealed(video: Video, stage: str, state: StageState) -> bool:
    """Whether the stage rejected its video, or would fail after it was done: both stay as they are."""
    now = next((record.state for record in video.stages if record.name == stage), "pending")
    rejected = video.status == "rejected" and now == "failed"
    return rejected or (state == "failed" and now in ("done", "skipped"))
