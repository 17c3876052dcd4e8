"""The words of tus 1.0.0 (https://tus.io/protocols/resumable-upload): headers in and out. Pure."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from gateway.media.checksum import ALGORITHMS
from gateway.problems import FieldError, ProblemError

VERSION: Final = "1.0.0"
EXTENSIONS: Final = (
    "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation"
)
BODY_TYPE: Final = "application/offset+octet-stream"
ALWAYS: Final[Mapping[str, str]] = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}

_DIGITS_MAX: Final = 18


def capabilities(max_upload_bytes: int) -> dict[str, str]:
    """Return what OPTIONS says of this server."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        "Tus-Max-Size": str(max_upload_bytes),
    }


def require_version(headers: Mapping[str, str]) -> None:
    """Raise ProblemError 412 for a client that speaks another version, or none."""
    if headers.get("tus-resumable") != VERSION:
        detail = f"Send Tus-Resumable: {VERSION}."
        raise ProblemError("precondition_failed", detail, headers={"Tus-Version": VERSION})


def require_body_type(headers: Mapping[str, str]) -> None:
    """Raise ProblemError 415 for a body that is not a piece of an upload."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != BODY_TYPE:
        raise ProblemError("unsupported_media_type", f"Send the bytes as Content-Type: {BODY_TYPE}.")


def find_bytes(headers: Mapping[str, str], name: str) -> int | None:
    """Return a header that counts bytes, None when it is absent. Raises ProblemError 400."""
    text = headers.get(name.lower())
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX):
        raise bad_header(name, "a plain number of bytes")
    return int(text)


def get_bytes(headers: Mapping[str, str], name: str) -> int:
    """Return a header that counts bytes. Raises ProblemError 400 when it is absent or none."""
    count = find_bytes(headers, name)
    if count is None:
        raise bad_header(name, "given")
    return count


def find_length(headers: Mapping[str, str]) -> int | None:
    """Return the length of a new upload, None when it is deferred. Raises ProblemError 400."""
    length_bytes, deferred = find_bytes(headers, "Upload-Length"), headers.get("upload-defer-length")
    if (length_bytes is None) != (deferred == "1") or deferred not in (None, "1"):
        raise bad_header("Upload-Length", "given, or else Upload-Defer-Length: 1")
    return length_bytes


def bad_header(name: str, wanted: str) -> ProblemError:
    """Return the problem of a header that is not what it must be."""
    return ProblemError(
        "invalid_parameter", f"{name} must be {wanted}.", [FieldError(f"/{name}", f"must be {wanted}")]
    )


def http_date(moment: datetime) -> str:
    """Return a UTC time as HTTP writes it (RFC 9110, section 5.6.7)."""
    return format_datetime(moment, usegmt=True)
