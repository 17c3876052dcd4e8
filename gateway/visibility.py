"""Which videos a caller may see, and which they may change."""

from gateway.ports import Surroundings
from gateway.problems import ProblemError
from gateway.route import Call
from storage.errors import VideoGoneError
from storage.records import Video


async def get_visible(house: Surroundings, call: Call) -> Video:
    """Return the video of the path. Raises ProblemError 404, also for one the caller may not know of."""
    video = await house.ports.videos.find(call.video_id, call.caller.viewer_id)
    if video is None:
        raise ProblemError("not_found", "There is no such video.")
    return video


async def get_owned(house: Surroundings, call: Call, *, admins: bool = False) -> Video:
    """Return the video of the path to its owner, with `admins` also to administrators.

    Raises ProblemError 404, or 403 for one that the caller may see and not change.
    """
    if admins and call.caller.may("videos.change_any"):
        try:
            return await house.ports.videos.load(call.video_id)
        except VideoGoneError:
            raise ProblemError("not_found", "There is no such video.") from None
    video = await get_visible(house, call)
    if video.user_id != call.caller.user_id:
        raise ProblemError("forbidden", "Only the owner may do this.")
    return video
