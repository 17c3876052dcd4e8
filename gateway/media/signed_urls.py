"""Who holds a signed URL of a video may read what belongs to it; nothing else is asked of them."""

from datetime import datetime
from uuid import UUID

from gateway.config import GatewayConfig
from gateway.media.exchange import Request
from gateway.problems import ProblemError
from gateway.signing import check_media, find_uuid


def admit(config: GatewayConfig, request: Request, now: datetime) -> tuple[UUID, int]:
    """Return the video that a URL is for and for how many seconds it is good.

    Raises ProblemError: 403 before anything is said of what there is.
    """
    video_id = find_uuid(request.values["video_id"])
    expires, signature = request.query.get("expires", ""), request.query.get("signature", "")
    verdict = "bad" if video_id is None else check_media(config, video_id, expires, signature, now)
    if video_id is None or verdict == "bad":
        raise ProblemError("bad_signature", "Ask the API for a URL of this video.")
    request.notes["video_id"] = str(video_id)
    if verdict == "expired":
        raise ProblemError("url_expired", "Ask the API for a new URL of this video.")
    return video_id, int(expires) - int(now.timestamp())
