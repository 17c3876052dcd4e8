"""What a client says about a video, and what makes it acceptable. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from gateway.body import field_problem
from gateway.claims import is_video_type, media_type
from gateway.problems import FieldError, ProblemError
from gateway.route import Body
from storage.records import VideoChanges, Visibility
from subjects.media import Location

TITLE_MAX: Final = 200
EARLIEST: Final = datetime(1888, 1, 1, tzinfo=UTC)
"""Nobody recorded moving pictures before (Roundhay Garden Scene)."""
CLOCK_SKEW: Final = timedelta(days=1)

# The bounds of the title hold after trimming: the decoder leaves room for the space around it.
Title = Annotated[str, Meta(max_length=1000, description="1 to 200 characters, spaces around it not counted")]
Description = Annotated[str, Meta(max_length=5000)]


class Place(Body, frozen=True, kw_only=True):
    """A point on the WGS 84 ellipsoid, in degrees."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lng: Annotated[float, Meta(ge=-180, le=180)]


class UploadIntent(Body, frozen=True, kw_only=True):
    """The file that is about to come."""

    size_bytes: Annotated[int, Meta(gt=0)]
    content_type: Annotated[str, Meta(max_length=255, examples=["video/mp4"])]
    filename: Annotated[str, Meta(max_length=255)] | None = None
    sha256: Annotated[str, Meta(pattern="^[0-9a-fA-F]{64}$", max_length=64)] | None = None
    """Of the whole file, in hex; checked when it has come."""


class VideoIntent(Body, frozen=True, kw_only=True):
    """The intent to upload a video."""

    title: Title
    description: Description | None = None
    location: Place | None = None
    recorded_at: Annotated[datetime, Meta(tz=True)] | None = None
    visibility: Visibility = "public"
    upload: UploadIntent


class VideoEdit(Body, frozen=True, kw_only=True):
    """What shall change. What is left out stays; null clears."""

    title: Title | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    visibility: Visibility | UnsetType = UNSET
    location: Place | UnsetType | None = UNSET

    def changes(self) -> VideoChanges:
        """Return the changes as storage takes them. Raises ProblemError 422."""
        place = self.location
        return VideoChanges(
            title=self.title if isinstance(self.title, UnsetType) else trimmed_title(self.title),
            description=self.description,
            visibility=self.visibility,
            location=place if isinstance(place, UnsetType) else location_of(place),
        )


def edited_fields(edit: VideoEdit) -> list[str]:
    """Return the names of what an edit changes."""
    return [name for name, value in asdict(edit).items() if not isinstance(value, UnsetType)]


def trimmed_title(title: str) -> str:
    """Return a title without the space around it. Raises ProblemError 422 when too little or much is left."""
    trimmed = title.strip()
    if not 1 <= len(trimmed) <= TITLE_MAX:
        raise field_problem("/title", f"must have 1 to {TITLE_MAX} characters")
    return trimmed


def location_of(place: Place | None) -> Location | None:
    """Return a place as the owner's word."""
    return Location(lat=place.lat, lng=place.lng, source="user") if place is not None else None


def recording_time(said: datetime | None, now: datetime) -> datetime | None:
    """Return a recording time in UTC. Raises ProblemError 422 for one before film or in the future."""
    if said is None:
        return None
    # Compared before it is moved to UTC: the first and the last year have no room for an offset.
    if not EARLIEST.year < said.year <= now.year + 1 or said > now + CLOCK_SKEW:
        raise field_problem("/recorded_at", f"must lie after {EARLIEST.year} and not in the future")
    return said.astimezone(UTC)


def checked_upload(upload: UploadIntent, max_bytes: int) -> None:
    """Raise ProblemError 413 for a file over the limit, 415 for one that says it is no video."""
    if upload.size_bytes > max_bytes:
        raise field_problem("/upload/size_bytes", f"must be at most {max_bytes}", code="too_large")
    if not is_video_type(media_type(upload.content_type)):
        detail = "must be a video type such as video/mp4"
        raise ProblemError(
            "unsupported_media_type",
            f"/upload/content_type: {detail}.",
            (FieldError("/upload/content_type", detail),),
        )
