"""How far the stages of a video are: from what this process heard, else asked of the bus."""

from collections.abc import Mapping
from uuid import UUID

from gateway.event_text import Progress, find_message
from gateway.events import PROGRESS, Hub, patterns
from gateway.ports import Surroundings
from gateway.present import Video, present_video
from storage import records
from subjects.bus import BusError
from subjects.stage import StageProgressed


async def live_progress(hub: Hub, video_id: UUID) -> Mapping[str, Progress]:
    """Return the latest progress of a video's stages; nothing when the bus does not answer.

    A representation without progress is still right, so this never fails.
    """
    known = hub.progress(video_id)
    if known:
        return known
    try:
        latest = await hub.bus.latest(PROGRESS, patterns(PROGRESS, video_id))
    except BusError:
        return {}
    for stored in latest:
        message = find_message(stored)
        if isinstance(message, StageProgressed):
            hub.remember(message, stored)
    return hub.progress(video_id)


async def present_live(house: Surroundings, video: records.Video) -> Video:
    """Return a video's representation with how far its stages are."""
    runs = video.status in ("processing", "playable")
    progress = await live_progress(house.hub, video.id) if runs else {}
    return present_video(video, progress, house.ports.now())
