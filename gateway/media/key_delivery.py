"""Delivery of the keys that segments are encrypted with, by the signed URL that opens everything of a video.

    /media/{video_id}/cmaf/{rendition}/{key_name}.key?expires=…&signature=… -> 16 bytes (RFC 8216, section 5)

A key lies nowhere: it is derived while it is asked for. So no redirect leads to it, no cache may keep it,
and no line of a log has it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from gateway.config import GatewayConfig
from gateway.media.exchange import Reply, Request
from gateway.media.heads import Heads
from gateway.media.signed_urls import admit
from gateway.problems import ProblemError
from storage.content_types import FALLBACK
from storage.errors import MasterKeyUnknownError
from storage.keys import INIT_NAME, rendition_key
from storage.segment_keys import SegmentKeys

PATTERN: Final = "/media/{video_id}/cmaf/{rendition}/{key_name}.key"
_HEADERS: Final = {"Content-Type": FALLBACK, "Cache-Control": "private, no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDelivery:
    """Answers with keys."""

    config: GatewayConfig
    keys: SegmentKeys
    heads: Heads
    now: Callable[[], datetime]

    async def get(self, request: Request) -> Reply:
        """Answer GET and HEAD. Raises ProblemError: also where nothing lies that the key would open."""
        video_id, _ = admit(self.config, request, self.now())
        rendition, name = request.values["rendition"], request.values["key_name"]
        try:
            init_key = rendition_key(video_id, rendition, INIT_NAME, name)
            key = self.keys.key(name, video_id, rendition)
        except (ValueError, MasterKeyUnknownError) as error:
            raise _missing() from error
        if await self.heads.find(init_key) is None:
            raise _missing()
        return Reply(HTTPStatus.OK, _HEADERS, key)


def _missing() -> ProblemError:
    return ProblemError("not_found", "This video has no such key.")
