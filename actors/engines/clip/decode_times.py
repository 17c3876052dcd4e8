"""When packets are decoded, derived from when their pictures are shown. Pure; times are in ticks.

Matroska keeps the times of showing alone, and libav guesses the others as it goes: the first are unknown to
it. Here the n-th packet is decoded when the n-th picture is shown, less so much that none comes too late.
"""

from collections.abc import Sequence


def decode_times(shown: Sequence[int]) -> list[int] | None:
    """Return a growing decode time, no later than the time of showing, for each packet in order of decoding.

    `shown` are the packets' times of showing in that order. None when two are the same: then some are wrong.
    """
    ordered = sorted(shown)
    if len(set(ordered)) != len(ordered):
        return None
    wait = max((due - at for due, at in zip(ordered, shown, strict=True)), default=0)
    return [due - wait for due in ordered]
