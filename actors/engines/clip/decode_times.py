"""When packets are decoded, derived from when their pictures are shown. Pure; times are in ticks.

Matroska keeps the times of showing alone, and libav guesses the others as it goes: the first are unknown to
it. Here the n-th packet is decoded when the n-th picture is shown, less so much that none comes too late.
"""

import numpy as np

from actors.engines.clip.cadence import Ticks


def decode_times(shown: Ticks) -> Ticks | None:
    """Return a growing decode time, no later than the time of showing, for each packet in order of decoding.

    `shown` are the packets' times of showing in that order. None when two are the same: then some are wrong.
    """
    ordered = np.sort(shown)
    if (ordered[1:] == ordered[:-1]).any():
        return None
    wait: np.int64 = (ordered - shown).max(initial=0)
    return np.subtract(ordered, wait)
