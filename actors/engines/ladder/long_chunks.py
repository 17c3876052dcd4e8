"""How long chunks are where key frames lie far apart. Pure.

A chunk is decoded from the last key frame before it. Chunks of half the way between two key frames skip, all
together, no more pictures than the clip has; chunks of seconds would decode a clip with one key frame
hundreds of times. But what is encoded lies on a disk until the chunk is complete: there is a limit to that.
"""

import math
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.errors import BadMedia, Refusal
from subjects.media import Rung, Timeline

SCRATCH_BYTES: Final = 8 << 30
"""What the segments of a chunk may take, all rungs of a pass together, if none stays below its bit rate."""
_SHORTEST: Final = 4
"""Chunks that are so many times shorter, to fit, skip four times the clip. Beyond that it is refused."""


def with_long_chunks(line: Timeline, facts: PictureFacts, passes: Sequence[Sequence[Rung]]) -> Timeline:
    """Return the timeline with chunks of at least half the longest way between key frames, or what fits.

    Without any key frame the clip is one way. Raises BadMedia, too_much_picture: what fits is too short.
    """
    gop_seconds = facts.longest_gop_seconds or facts.duration_seconds
    wanted = min(math.ceil(gop_seconds * line.fps / 2), line.frames)
    if wanted <= line.chunk_frames:
        return line
    rate_bps = max((sum(rung.bitrate_bps for rung in rungs) for rungs in passes), default=0)
    fitting = math.floor(SCRATCH_BYTES * 8 * line.fps / max(rate_bps, 1))
    if fitting * _SHORTEST < wanted:
        raise BadMedia(Refusal.TOO_MUCH_PICTURE, f"no key frame for {gop_seconds:.0f} s")
    segments = min(-(-wanted // line.segment_frames), fitting // line.segment_frames)
    return replace(line, chunk_frames=max(segments * line.segment_frames, line.chunk_frames))
