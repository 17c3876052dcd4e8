"""`GET /api/v1/videos`: newest first, by keyset."""

import math
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from gateway.body import parameter_problem
from gateway.paging import PageQuery
from gateway.ports import Surroundings
from gateway.present import VideoPage, present_video
from gateway.route import Call, Reply, Route
from storage.records import Box, Status, VideoQuery

_CORNERS: Final = 4


class ListQuery(PageQuery, frozen=True, kw_only=True):
    """Which videos to list. Filters hold together."""

    user_id: UUID | None = None
    status: Status | None = None
    bbox: (
        Annotated[
            str,
            Meta(max_length=200, description="west,south,east,north in degrees; west > east crosses 180°"),
        ]
        | None
    ) = None
    q: Annotated[str, Meta(max_length=200, description="Words of title or description")] | None = None


async def list_videos(house: Surroundings, call: Call) -> Reply:
    """Return a page of public videos and the caller's own."""
    asked: ListQuery = call.query
    before = asked.find_place(house.config)
    query = VideoQuery(
        user_id=asked.user_id, status=asked.status, box=parse_box(asked.bbox), text=asked.q or None
    )
    found = await house.ports.videos.page(query, call.caller.viewer_id, before, asked.one_more)
    shown, cursor = asked.cut(house.config, found, lambda video: (video.created_at, video.id))
    now = house.ports.now()
    data = tuple(present_video(video, house.hub.progress(video.id), now) for video in shown)
    return Reply(body=VideoPage(data=data, next_cursor=cursor))


def parse_box(text: str | None) -> Box | None:
    """Return the box of `west,south,east,north`. Raises ProblemError 400 naming `bbox`."""
    if text is None:
        return None
    try:
        corners = [float(part) for part in text.split(",")]
    except ValueError:
        corners = []
    if len(corners) != _CORNERS or not all(map(math.isfinite, corners)):
        raise parameter_problem("bbox", "must be four numbers: west,south,east,north")
    west, south, east, north = corners
    inside = all(abs(lng) <= 180 for lng in (west, east)) and -90 <= south <= north <= 90  # noqa: PLR2004
    if not inside:
        raise parameter_problem("bbox", "longitudes lie within ±180, latitudes within ±90, south first")
    return Box(west=west, south=south, east=east, north=north)


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/videos",
        handler=list_videos,
        summary="List videos, newest first: public ones, and your own",
        group="Videos",
        query=ListQuery,
        answer=VideoPage,
    ),
)
