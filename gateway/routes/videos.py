"""`POST /api/v1/videos` and `GET`, `PATCH`, `DELETE` of one."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from gateway.audit import record, video_target
from gateway.claims import base_name, media_type
from gateway.live_progress import present_live
from gateway.permission import require_still
from gateway.ports import Surroundings
from gateway.present import CreatedVideo, Upload, Video
from gateway.problems import ProblemError, quota_problem, unavailable
from gateway.route import Call, Reply, Route
from gateway.routes.video_fields import (
    VideoEdit,
    VideoIntent,
    checked_upload,
    edited_fields,
    location_of,
    recording_time,
    trimmed_title,
)
from gateway.signing import upload_url
from gateway.urgency import priority_of
from gateway.visibility import get_changeable, get_visible, is_own
from storage.errors import QuotaExceededError
from storage.records import NewUpload, NewVideo
from storage.removal import removal_announcement
from subjects.ids import derived_uuid7

ONE: Final = "/api/v1/videos/{video_id}"
EXAMPLE: Final = {
    "title": "Rain on the quay",
    "location": {"lat": 48.85, "lng": 2.35},
    "visibility": "public",
    "upload": {"size_bytes": 1_048_576, "content_type": "video/mp4", "filename": "rain.mp4"},
}


async def create_video(house: Surroundings, call: Call) -> Reply:
    """Keep the intent, and answer where to send the bytes."""
    intent: VideoIntent = call.body
    video, upload = new_video(house, call, intent), new_upload(house, call, intent)
    try:
        await house.ports.videos.create(video, upload, house.config.quota)
    except QuotaExceededError as error:
        await require_still(house.ports.identification, call.headers, call.caller, call.request_id)
        raise quota_problem(error, house.ports.now()) from error
    # A repetition finds what the first try kept: what is told is what is there.
    kept, awaited = (
        await house.ports.videos.find(video.id, call.caller.user_id),
        await house.ports.uploads.find(upload.id),
    )
    if kept is None or awaited is None:
        raise unavailable("The video was removed while it was made.")
    made = CreatedVideo(
        video=await present_live(house, kept),
        upload=Upload(url=upload_url(house.config, upload.id), expires_at=awaited.expires_at),
    )
    return Reply(body=made, headers={"Location": f"/api/v1/videos/{video.id}"})


def new_video(house: Surroundings, call: Call, intent: VideoIntent) -> NewVideo:
    """Return the row of an intent. Raises ProblemError for a field that is not acceptable."""
    now = house.ports.now()
    return NewVideo(
        id=call.resource_id,
        user_id=call.caller.user_id,
        title=trimmed_title(intent.title),
        description=intent.description,
        visibility=intent.visibility,
        location=location_of(intent.location),
        recorded_at=recording_time(intent.recorded_at, now),
        created_at=now,
        priority=priority_of(intent.upload.size_bytes),
    )


def new_upload(house: Surroundings, call: Call, intent: VideoIntent) -> NewUpload:
    """Return the upload of an intent; its id follows from the video's: a repetition makes no second."""
    checked_upload(intent.upload, house.config.max_upload_bytes)
    now, sha256 = house.ports.now(), intent.upload.sha256
    return NewUpload(
        id=upload_id_of(call.resource_id),
        user_id=call.caller.user_id,
        video_id=call.resource_id,
        length_bytes=intent.upload.size_bytes,
        content_type=media_type(intent.upload.content_type),
        filename=base_name(intent.upload.filename),
        sha256=sha256.lower() if sha256 is not None else None,
        created_at=now,
        expires_at=now + timedelta(seconds=house.config.upload_ttl_seconds),
    )


def upload_id_of(video_id: UUID) -> UUID:
    """Return the id of a video's own upload."""
    return derived_uuid7(video_id, "upload")


async def get_video(house: Surroundings, call: Call) -> Reply:
    """Return one video."""
    return Reply(body=await present_live(house, await get_visible(house, call)))


async def edit_video(house: Surroundings, call: Call) -> Reply:
    """Change what the owner said."""
    edit: VideoEdit = call.body
    video = await get_changeable(house, call)
    edited = await house.ports.videos.edit(video.id, video.user_id, edit.changes())
    if edited is None:
        raise ProblemError("not_found", "There is no such video.")
    if not is_own(video, call.caller):
        await record(house, call, "video.edited", target=video_target(video), fields=edited_fields(edit))
    return Reply(body=await present_live(house, edited))


async def delete_video(house: Surroundings, call: Call) -> Reply:
    """Delete the rows now and promise that the objects follow."""
    video = await get_changeable(house, call)
    announce = removal_announcement(video, call.trace)
    if not await house.ports.videos.remove(video.id, video.user_id, announce):
        raise ProblemError("not_found", "There is no such video.")
    house.ports.kick()
    await record(house, call, "video.deleted", target=video_target(video), owner=str(video.user_id))
    return Reply()


ROUTES: Final = (
    Route(
        method="POST",
        path="/api/v1/videos",
        handler=create_video,
        summary="Announce a video and get the URL to upload it to",
        group="Videos",
        body=VideoIntent,
        answer=CreatedVideo,
        status=201,
        needs="videos.create",
        limit="upload",
        secret=True,
        problems=("quota_exceeded",),
        example=EXAMPLE,
    ),
    Route(
        method="GET",
        path=ONE,
        handler=get_video,
        summary="One video",
        group="Videos",
        answer=Video,
        etag=True,
        problems=("not_found",),
    ),
    Route(
        method="PATCH",
        path=ONE,
        handler=edit_video,
        summary="Change title, description, visibility or location",
        group="Videos",
        body=VideoEdit,
        answer=Video,
        needs="videos.change_own",
        problems=("not_found",),
        example={"title": "Rain, later that day", "location": None},
    ),
    Route(
        method="DELETE",
        path=ONE,
        handler=delete_video,
        summary="Delete a video with everything made of it",
        group="Videos",
        status=204,
        needs="videos.change_own",
        problems=("not_found",),
    ),
)
