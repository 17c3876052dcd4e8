"""Which videos a caller may see, and which they may change.

Moderators see every video and change every one; the queries still take the owner's id, and the database
checks for itself who asks (row-level security).
"""

from uuid import UUID

from gateway.caller import Caller
from gateway.ports import Surroundings
from gateway.problems import ProblemError
from gateway.route import Call
from storage.errors import VideoGoneError
from storage.records import Video


async def find_visible(house: Surroundings, caller: Caller, video_id: UUID) -> Video | None:
    """Return a video the caller may see, or None."""
    if not caller.may("videos.view_any"):
        return await house.ports.videos.find(video_id, caller.viewer_id)
    try:
        return await house.ports.videos.load(video_id)
    except VideoGoneError:
        return None


async def get_visible(house: Surroundings, call: Call) -> Video:
    """Return the video of the path. Raises ProblemError 404, also for one the caller may not know of."""
    video = await find_visible(house, call.caller, call.video_id)
    if video is None:
        raise ProblemError("not_found", "There is no such video.")
    return video


async def get_changeable(house: Surroundings, call: Call) -> Video:
    """Return the video of the path to its owner, or to somebody who may change any.

    Raises ProblemError 404, or 403 for one that the caller may see and not change.
    """
    video = await get_visible(house, call)
    if not is_own(video, call.caller) and not call.caller.may("videos.change_any"):
        raise ProblemError("forbidden", "Only the owner may do this.")
    return video


def is_own(video: Video, caller: Caller) -> bool:
    """Whether a video is the caller's."""
    return caller.is_known and video.user_id == caller.user_id
