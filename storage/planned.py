"""What is planned of a video's encoding, all of it."""

from uuid import UUID

from storage.rendition_records import EncodingPlan
from storage.renditions_port import Renditions


async def plans_of(renditions: Renditions, video_id: UUID) -> tuple[EncodingPlan, ...]:
    """Return the plans of all passes, from the first; none when the video is gone."""
    plans: list[EncodingPlan] = []
    while (plan := await renditions.find_plan(video_id, len(plans))) is not None:
        plans.append(plan)
    return tuple(plans)
