"""`POST /api/v1/videos/{video_id}/retry`: run failed stages again.

The stages are made pending first and the dead letters replayed after: a crash in between leaves the letters,
and the next retry replays them. The other way round, a stage that fails again quickly would have its new
failure wiped away. Without a dead letter there is nothing to run, and nothing is touched.
"""

from typing import Final

from gateway.audit import record, video_target
from gateway.live_progress import present_live
from gateway.ports import Surroundings
from gateway.present import Video
from gateway.problems import ProblemError
from gateway.route import Call, Reply, Route
from gateway.visibility import get_changeable, is_own
from subjects.dead_letters import STREAM, letters_pattern, replay


async def retry_video(house: Surroundings, call: Call) -> Reply:
    """Put the video's dead letters back to work."""
    video = await get_changeable(house, call)
    if video.status == "rejected":
        raise ProblemError("conflict", "A rejected video stays rejected: upload another file.")
    pattern = letters_pattern(video_id=str(video.id))
    letters = [letter async for letter in house.ports.bus.history(STREAM, (pattern,))]
    if not letters:
        raise ProblemError("conflict", "No stage of this video has given up: there is nothing to retry.")
    if await house.ports.videos.reopen(video.id, video.user_id) is None:
        raise ProblemError("not_found", "There is no such video.")
    for letter in letters:
        await replay(house.ports.bus, letter)
    if not is_own(video, call.caller):
        await record(house, call, "video.retried", target=video_target(video))
    return Reply(body=await present_live(house, await get_changeable(house, call)))


ROUTES: Final = (
    Route(
        method="POST",
        path="/api/v1/videos/{video_id}/retry",
        handler=retry_video,
        summary="Run failed stages again",
        group="Videos",
        answer=Video,
        status=202,
        needs="videos.change_own",
        problems=("not_found", "conflict"),
    ),
)
