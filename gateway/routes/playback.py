"""`GET /api/v1/videos/{video_id}/playback`: signed URLs of what exists so far."""

from datetime import UTC, datetime
from typing import Any, Final

from gateway.ports import Surroundings
from gateway.route import Answer, Call, Reply, Route
from gateway.signing import media_expiry, media_url
from gateway.visibility import get_visible
from storage.keys import video_prefix
from storage.records import Illustration, Video
from storage.rendition_records import Package
from subjects.media import Picture


class Poster(Answer, frozen=True, kw_only=True):
    """A still picture of the video in one size."""

    url: str
    width: int
    height: int
    content_type: str


class Captions(Answer, frozen=True, kw_only=True):
    """Captions in one language."""

    lang: str
    url: str


class Playback(Answer, frozen=True, kw_only=True):
    """What a player needs. Null is not there yet, or never will be."""

    hls: str | None = None
    """The newest playlist of all renditions (HTTP Live Streaming)."""
    dash: str | None = None
    """The newest manifest of the same segments (MPEG-DASH)."""
    original: str | None = None
    poster: str | None = None
    """The widest of the posters in JPEG, which every player shows."""
    posters: tuple[Poster, ...] = ()
    """From the narrowest to the widest."""
    preview: str | None = None
    """A short moving picture."""
    storyboard: str | None = None
    """The first sheet of tiles."""
    storyboard_vtt: str | None = None
    """Which tile belongs to which second."""
    captions: tuple[Captions, ...] = ()
    expires_at: datetime
    """When these URLs stop working."""


async def get_playback(house: Surroundings, call: Call) -> Reply:
    """Return the URLs of a video."""
    return Reply(body=playback_of(house, await get_visible(house, call)))


def playback_of(house: Surroundings, video: Video) -> Playback:
    """Return the URLs of a video that whoever asks may see."""
    expires_at = media_expiry(house.config, house.ports.now())
    signed = Signer(house, video, expires_at)
    return Playback(
        original=signed.url(video.original.key) if video.original is not None else None,
        expires_at=datetime.fromtimestamp(expires_at, UTC),
        **(streams(signed, video.package) if video.package is not None else {}),
        **(pictures(signed, video.illustration) if video.illustration is not None else {}),
    )


class Signer:
    """Makes the URLs of one video's objects."""

    def __init__(self, house: Surroundings, video: Video, expires_at: int) -> None:
        self._config, self._video, self._expires_at = house.config, video, expires_at

    def url(self, key: str) -> str:
        """Return the URL of an object by its key."""
        name = key.removeprefix(f"{video_prefix(self._video.id)}/")
        return media_url(self._config, self._video.id, name, self._expires_at)


def streams(signed: Signer, package: Package) -> dict[str, Any]:
    """Return the fields of a playback that adaptive players read."""
    return {
        "hls": signed.url(package.hls_key),
        "dash": signed.url(package.dash_key) if package.dash_key is not None else None,
    }


def pictures(signed: Signer, illustration: Illustration) -> dict[str, Any]:
    """Return the fields of a playback that show pictures."""
    posters = sorted(illustration.posters, key=lambda picture: picture.width_px)
    board, preview = illustration.storyboard, illustration.preview
    shown = tuple(_poster(signed, picture) for picture in posters)
    jpegs = [picture for picture in shown if picture.content_type == "image/jpeg"]
    return {
        "poster": (jpegs or shown)[-1].url if shown else None,
        "posters": shown,
        "preview": signed.url(preview.key) if preview is not None else None,
        "storyboard": signed.url(board.sheet_keys[0]) if board is not None and board.sheet_keys else None,
        "storyboard_vtt": signed.url(board.vtt_key) if board is not None else None,
    }


def _poster(signed: Signer, picture: Picture) -> Poster:
    return Poster(
        url=signed.url(picture.key),
        width=picture.width_px,
        height=picture.height_px,
        content_type=picture.content_type,
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}/playback",
        handler=get_playback,
        summary="Signed URLs of what can be played and shown so far",
        group="Videos",
        answer=Playback,
        etag=True,
        problems=("not_found",),
    ),
)
