"""Several fragments of one track as a single one: one `moof` for seconds of sound. Pure.

Source: ISO/IEC 14496-12, sections 8.8.5 to 8.8.12.
"""

from collections.abc import Sequence
from itertools import pairwise

from actors.engines.cmaf.boxes import Fragment, MalformedError

_DEFAULT_BASE_IS_MOOF = 0x020000
_RUN_FLAGS = 0xF01  # data offset; then duration, size, flags and composition offset of every sample
_SYNC_FLAGS, _OTHER_FLAGS = 0x02000000, 0x01010000
_RUN_BYTES = 16
_TRACK_ID = 1  # libav's for the only track of a file


def merged(fragments: Sequence[Fragment], decode_time: int, sequence: int) -> bytes:
    """A fragment with the samples of all, which have to follow each other. Raises MalformedError."""
    _check_continuous(fragments)
    runs = b"".join(_run(fragment) for fragment in fragments)
    media = b"".join(_media(fragment) for fragment in fragments)
    samples = len(runs) // _RUN_BYTES
    moof = _moof(runs, samples, 0, decode_time, sequence)
    moof = _moof(runs, samples, len(moof) + 8, decode_time, sequence)
    return moof + _box(b"mdat", media)


def _moof(runs: bytes, samples: int, data_at: int, decode_time: int, sequence: int) -> bytes:
    tfhd = _full(b"tfhd", 0, _DEFAULT_BASE_IS_MOOF, _TRACK_ID.to_bytes(4))
    tfdt = _full(b"tfdt", 1, 0, decode_time.to_bytes(8))
    trun = _full(b"trun", 1, _RUN_FLAGS, samples.to_bytes(4) + data_at.to_bytes(4) + runs)
    return _box(b"moof", _full(b"mfhd", 0, 0, sequence.to_bytes(4)) + _box(b"traf", tfhd + tfdt + trun))


def _run(fragment: Fragment) -> bytes:
    return b"".join(
        sample.duration.to_bytes(4)
        + sample.size_bytes.to_bytes(4)
        + (_SYNC_FLAGS if sample.sync else _OTHER_FLAGS).to_bytes(4)
        + sample.composition_offset.to_bytes(4, signed=True)
        for sample in fragment.samples
    )


def _media(fragment: Fragment) -> bytes:
    size = sum(sample.size_bytes for sample in fragment.samples)
    return fragment.data[fragment.first_sample_at : fragment.first_sample_at + size]


def _check_continuous(fragments: Sequence[Fragment]) -> None:
    if not fragments:
        raise MalformedError("no fragment to merge")
    for before, after in pairwise(fragments):
        if before.decode_time + before.duration != after.decode_time:
            raise MalformedError(f"a gap in decode times before {after.decode_time}")


def _full(kind: bytes, version: int, flags: int, body: bytes) -> bytes:
    return _box(kind, bytes([version]) + flags.to_bytes(3) + body)


def _box(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4) + kind + body
