"""`GET /api/v1/videos/{video_id}/events`: server-sent events of one video."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from gateway.body import parameter_problem
from gateway.event_stream import EventStream
from gateway.identity.seldom import Seldom
from gateway.live_progress import present_live
from gateway.permission import identify_again
from gateway.ports import Surroundings
from gateway.present import Video
from gateway.problems import ProblemError, unavailable
from gateway.route import Call, Reply, Route
from gateway.visibility import find_visible, get_visible
from storage.asking import asking_as

LARGEST: Final = 2**63 - 1
_DIGITS_MAX: Final = 19
CHECK_SECONDS: Final = 1.0


async def stream_events(house: Surroundings, call: Call) -> Reply:
    """Return the stream of a video the caller may see."""
    after = last_event_id(call.headers)
    await get_visible(house, call)
    if house.hub.draining or not house.hub.live.is_set():
        raise unavailable("Events cannot be followed right now.")

    async def snapshot() -> Video | None:
        with asking_as(call.caller.asking):  # told when the request is over already
            video = await find_visible(house, call.caller, call.video_id)
        return await present_live(house, video) if video is not None else None

    stream = EventStream(house.hub, call.video_id, snapshot, after, permitted(house, call))
    return Reply(stream=stream.parts(house.seats.take()))


def permitted(house: Surroundings, call: Call) -> Callable[[float | None], Awaitable[bool]]:
    """Return what asks whether the request would still name the same caller, and they see the video.

    A stream outlives the sign-in that opened it, an access token, and the video's visibility.
    """
    caller, seldom = call.caller, Seldom(CHECK_SECONDS, capacity=1)
    sight = (call.video_id, caller.user_id, caller.permissions)

    async def look() -> bool:
        with asking_as(caller.asking):
            return await find_visible(house, caller, call.video_id) is not None

    async def ask(since: float | None) -> bool:
        if caller.is_known and seldom.is_time("check") and not await _is_same(house, call):
            return False
        return since is None or await house.sights.sees(sight, since, look)

    return ask


async def _is_same(house: Surroundings, call: Call) -> bool:
    """Whether what the request shows still gives what it gave."""
    identification = house.ports.identification
    try:
        now = await identify_again(identification, call.headers, call.caller, call.request_id)
    except ProblemError:
        return False
    return now.permissions >= call.caller.permissions


def last_event_id(headers: Mapping[str, str]) -> int | None:
    """Return the last event a client knows. Raises ProblemError 400 for an id we never gave."""
    given = headers.get("last-event-id", "").strip()
    if not given:
        return None
    plain = given.isascii() and given.isdecimal() and len(given) <= _DIGITS_MAX
    if not plain or int(given) > LARGEST:
        raise parameter_problem("Last-Event-ID", "must be the id of an event of this stream")
    return int(given)


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}/events",
        handler=stream_events,
        summary="Follow a video: where it stands, then every event; Last-Event-ID replays what was missed",
        group="Videos",
        content_type="text/event-stream",
        problems=("not_found", "overloaded"),
    ),
)
