"""Where every object lies: pure functions, the only place that builds a key.

staging/<upload_id>/<offset>-<nonce>    segments of uploads, swept after promotion or expiry
videos/<video_id>/original.<ext>        the original, immutable
videos/<video_id>/<name>                everything derived from it
videos/<video_id>/cmaf/<rendition>/…    init.mp4 and segments, each named by its time; init-<sha256>.mp4
                                        of its chunks, of which init.mp4 is the one they agree on
videos/<video_id>/cmaf/<rendition>/<key name>/…   the same, its segments encrypted with the key of that name
videos/<video_id>/cmaf/<fingerprint>/…  playlists of all there was when they were written, by their content
"""

import re
from typing import Final
from uuid import UUID

INIT_NAME: Final = "init.mp4"
_PLAIN: Final = re.compile(r"[A-Za-z0-9._=-]+(?:/[A-Za-z0-9._=-]+)*")
LONGEST_KEY: Final = 1000
"""Below the 1024 bytes of S3."""
LONGEST_PART: Final = 240
"""Below the 255 bytes of a file name, with room for the mark of one that is being written."""


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
    return f"{video_prefix(video_id)}/{checked_key(name)}"


def rendition_key(video_id: UUID, rendition: str, name: str, key_name: str | None = None) -> str:
    """Return the key of a piece of a rendition: INIT_NAME, or a segment's `<time>.m4s`.

    What is encrypted lies apart by the name of its key: so two who write at the same time, or before and
    after a change of keys, never mix.
    """
    folder = f"cmaf/{rendition}" if key_name is None else f"cmaf/{rendition}/{key_name}"
    return derived_key(video_id, f"{folder}/{name}")


def package_folder(video_id: UUID, fingerprint: str) -> str:
    """Return the prefix of playlists of one content, without a trailing slash."""
    return derived_key(video_id, f"cmaf/{fingerprint}")


def checked_key(key: str) -> str:
    """Return the key or prefix as it is. Raises ValueError for one that is no plain relative path.

    Only characters that every store keeps as they are: others come back percent-encoded, or differ between
    a disk and S3. `#` marks a local object that is still being written.
    """
    parts = key.split("/")
    if not _PLAIN.fullmatch(key) or any(part in (".", "..") for part in parts):
        raise ValueError(f"not a plain relative name: {key!r}")
    if len(key) > LONGEST_KEY or max(map(len, parts)) > LONGEST_PART:
        raise ValueError(f"a name longer than a store can hold: {key[:40]!r} and more")
    return key
