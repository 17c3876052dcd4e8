"""Upload-Metadata: what a tus client says of its file. Read strictly, kept sparingly. Pure.

filename bW92aWUubXA0,filetype dmlkZW8vbXA0,is_confidential
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

import msgspec

from gateway.claims import UNKNOWN_TYPE, base_name, is_media_type, is_video_type, media_type
from gateway.problems import FieldError, ProblemError

HEADER_CHARACTERS_MAX: Final = 8192
TITLE_CHARACTERS_MAX: Final = 200
FILENAME_CHARACTERS_MAX: Final = 255
UNTITLED: Final = "Untitled"

_KEY: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What is believed until the uploader has looked for itself."""

    title: str = UNTITLED
    filename: str | None = None
    content_type: str = UNKNOWN_TYPE
    sha256: str | None = None


def read_metadata(header: str) -> dict[str, bytes]:
    """Return the pairs of the header, decoded. Raises ProblemError 400, naming what is wrong."""
    if len(header) > HEADER_CHARACTERS_MAX:
        raise _bad(f"has more than {HEADER_CHARACTERS_MAX} characters")
    pairs: dict[str, bytes] = {}
    for pair in header.split(",") if header.strip() else []:
        key, _, encoded = pair.strip(" ").partition(" ")
        if not _KEY.fullmatch(key):
            raise _bad("has a key that is empty or not plain ASCII")
        if key in pairs:
            raise _bad(f"names {key} twice")
        pairs[key] = _decoded(key, encoded)
    return pairs


def _decoded(key: str, encoded: str) -> bytes:
    try:
        return b64decode(encoded, validate=True)
    except ValueError as error:  # binascii's, and that of characters beyond ASCII
        raise _bad(f"has a value of {key} that is not base64") from error


def write_metadata(pairs: Mapping[str, str | None]) -> str:
    """Return the header for these pairs, without those that have no value."""
    told = ((key, value) for key, value in pairs.items() if value is not None)
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in told)


def read_claims(header: str) -> Claims:
    """Return what the client claims. Raises ProblemError: 400 for bad metadata, 415 for what is no video."""
    pairs = read_metadata(header)
    filename = base_name(_text(pairs, ("filename", "name"), FILENAME_CHARACTERS_MAX))
    title = _text(pairs, ("title",), TITLE_CHARACTERS_MAX)
    sha256 = _text(pairs, ("sha256",), 64)
    if sha256 is not None and not _SHA256.fullmatch(sha256.lower()):
        raise _bad("has a sha256 that is not 64 hex digits")
    return Claims(
        title=title or (PurePosixPath(filename).stem[:TITLE_CHARACTERS_MAX] if filename else UNTITLED),
        filename=filename,
        content_type=_type_of(_text(pairs, ("filetype", "type", "content_type"), 127)),
        sha256=sha256.lower() if sha256 else None,
    )


def _text(pairs: Mapping[str, bytes], keys: tuple[str, ...], characters_max: int) -> str | None:
    """Return the first of these values that says something. Raises ProblemError."""
    key = next((key for key in keys if pairs.get(key)), None)
    if key is None:
        return None
    try:
        text = pairs[key].decode()
    except UnicodeDecodeError as error:
        raise _bad(f"has a {key} that is not UTF-8") from error
    if "\x00" in text or len(text) > characters_max:
        raise _bad(f"has a {key} with a NUL byte or more than {characters_max} characters")
    return text.strip() or None


def _type_of(claimed: str | None) -> str:
    """Return the media type without its parameters. Raises ProblemError 415 for one that is no video's.

    A client need not know, and then often says so with the unknown type: the uploader looks for itself.
    """
    content_type = media_type(claimed or UNKNOWN_TYPE)
    if not is_media_type(content_type):
        raise _bad("has a filetype that is no media type")
    if content_type != UNKNOWN_TYPE and not is_video_type(content_type):
        raise ProblemError("unsupported_media_type", f"{content_type} is no video.")
    return content_type


def _bad(what: str) -> ProblemError:
    return ProblemError(
        "invalid_parameter", f"Upload-Metadata {what}.", [FieldError("/Upload-Metadata", what)]
    )
