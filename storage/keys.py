"""Where every object lies: pure functions, the only place that builds a key.

staging/<upload_id>/<offset>-<nonce>    segments of uploads, swept after promotion or expiry
videos/<video_id>/original.<ext>        the original, immutable
videos/<video_id>/<name>                everything derived from it
"""

from uuid import UUID


def staging_prefix(upload_id: UUID) -> str:
    """Return the prefix of one upload's segments, without a trailing slash."""
    return f"staging/{upload_id}"


def segment_key(upload_id: UUID, offset_bytes: int, nonce: str) -> str:
    """Return the key of a segment. The nonce keeps two writers of the same offset apart."""
    return f"{staging_prefix(upload_id)}/{offset_bytes:016d}-{nonce}"


def video_prefix(video_id: UUID) -> str:
    """Return the prefix of everything that belongs to a video, without a trailing slash."""
    return f"videos/{video_id}"


def original_key(video_id: UUID, extension: str) -> str:
    """Return the key of the original; `extension` has no dot."""
    return f"{video_prefix(video_id)}/original.{extension}"


def derived_key(video_id: UUID, name: str) -> str:
    """Return the key of something derived from a video. Raises ValueError for a name with path tricks."""
    if not name or name.startswith("/") or any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"not a plain relative name: {name!r}")
    return f"{video_prefix(video_id)}/{name}"


def checked_key(key: str) -> str:
    """Return the key or prefix as it is. Raises ValueError for one that is no plain relative path."""
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts) or not key.isprintable() or "\\" in key:
        raise ValueError(f"not a plain key: {key!r}")
    return key
