"""Segments as players of HLS decrypt them: AES-128-CBC of whole files (RFC 8216, sections 4.3.2.4 and 5.2).

The initialization stays clear, as its playlist says. A segment's initialization vector is its number in the
rendition, which a player knows without being told: 128 bits, big-endian.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7
from msgspec.structs import replace

from actors.engines.cmaf.bandwidth import average_bps, peak_bps
from actors.engines.cmaf.track import INIT_NAME, Track, segment_name
from storage.keys import rendition_key
from storage.segment_keys import SegmentKeys
from subjects.media import Rendition, Timeline

BLOCK_BYTES: Final = 16


def encrypted(plain: bytes, key: bytes, number: int) -> bytes:
    """Return a segment encrypted by its number in the rendition, from 0; padded to whole blocks (PKCS #7).

    `key`: 16 bytes, else ValueError.
    """
    padder = PKCS7(8 * BLOCK_BYTES).padder()
    encryptor = Cipher(AES128(key), CBC(number.to_bytes(BLOCK_BYTES))).encryptor()
    return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()


def first_segment(timeline: Timeline, first_frame: int) -> int:
    """Return the number in the rendition of the first segment of a chunk."""
    return first_frame // timeline.segment_frames


async def encrypt_track(
    video_id: UUID,
    track: Track,
    out_dir: Path,
    keys: SegmentKeys,
    key_name: str | None,
    *,
    alive: Callable[[], Awaitable[None]],
    first_number: int = 0,
) -> Track:
    """Encrypt the segments of a track where they lie, and return what it is now. Not to be repeated.

    Without a name it stays as it is. `first_number` is that of the first segment in the whole rendition;
    `alive` is called after each. Where key frames lie is no longer said: a player cannot decrypt a part.
    Raises MasterKeyUnknownError and VaultMissingError.
    """
    if key_name is None:
        return track
    key, segments = keys.key(key_name, video_id, track.rendition), []
    for number, segment in enumerate(track.segments, first_number):
        path = out_dir / track.rendition / segment_name(segment.time)
        size_bytes = await asyncio.to_thread(_encrypt_file, path, key, number)
        segments.append(replace(segment, size_bytes=size_bytes, iframes=()))
        await alive()
    return replace(track, segments=tuple(segments), key_name=key_name)


def encrypted_rendition(video_id: UUID, rendition: Rendition, track: Track) -> Rendition:
    """Return a rendition as its track is now: encrypted it lies elsewhere and is larger. Pure."""
    return replace(
        rendition,
        key_name=track.key_name,
        init_key=rendition_key(video_id, track.rendition, INIT_NAME, track.key_name),
        bandwidth_bps=peak_bps(track.segments, track.timescale),
        average_bps=average_bps(track.segments, track.timescale),
        segments=track.segments,
    )


def _encrypt_file(path: Path, key: bytes, number: int) -> int:
    """Return how many bytes it has now: a multiple of those of a block."""
    return path.write_bytes(encrypted(path.read_bytes(), key, number))
