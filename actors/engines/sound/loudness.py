"""How loud a clip is, and how to make it as loud as all others.

Sources: EBU R 128 and Rec. ITU-R BS.1770 (measure, gates), AES TD1008 (-16 LUFS for streams).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph

from actors.engines.sound.source import SAMPLE_RATE_HZ, Samples

TARGET_LUFS = -16.0
SILENCE_LUFS = -70.0
"""The absolute gate of BS.1770: nothing louder was heard."""
MOST_GAIN_DB = 20.0
"""More would raise the noise of an almost silent room to the level of speech."""
CEILING_DB = -1.5
"""For peaks: AAC adds up to half a decibel between samples, and -1 dBTP is what streams allow."""
_BLOCK = 4_096


def gain_db(measured_lufs: float | None, target_lufs: float = TARGET_LUFS) -> float:
    """The gain that brings a clip to the target; silence stays as it is."""
    if measured_lufs is None or measured_lufs <= SILENCE_LUFS:
        return 0.0
    return min(target_lufs - measured_lufs, MOST_GAIN_DB)


def measured_lufs(blocks: Iterable[Samples], layout: str) -> float | None:
    """The integrated loudness of all blocks; None when there is not enough to say."""
    meter = Meter(layout)
    for block in blocks:
        meter.add(block)
    return meter.lufs()


class Meter:
    """Measures the loudness of blocks as they come."""

    def __init__(self, layout: str) -> None:
        self._chain = _Chain(layout, [("ebur128", "metadata=1:framelog=quiet")])
        self._last: float | None = None

    def add(self, block: Samples) -> None:
        """Take the next block."""
        self._read(self._chain.push(block))

    def lufs(self) -> float | None:
        """The integrated loudness of all; None when there is not enough to say. Ask it once, at the end."""
        self._read(self._chain.rest())
        return self._last

    def _read(self, frames: Iterable[AudioFrame]) -> None:
        for frame in frames:
            told = frame.metadata.get("lavfi.r128.I")
            self._last = float(told) if told is not None else self._last


class Leveler:
    """Gives blocks a gain in decibels, and holds peaks below the ceiling."""

    def __init__(self, layout: str, gain: float, frame_samples: int) -> None:
        limit = 10 ** (CEILING_DB / 20)
        steps = [
            ("volume", f"volume={gain:.3f}dB:precision=float"),
            ("alimiter", f"limit={limit:.4f}:attack=5:release=50:level=disabled:latency=1"),
            ("aformat", f"sample_fmts=fltp:sample_rates={SAMPLE_RATE_HZ}:channel_layouts={layout}"),
        ]
        self._chain = _Chain(layout, steps, frame_samples)

    def leveled(self, block: Samples | None) -> Iterator[AudioFrame]:
        """Yield frames of one size as they are full; for None, at the end, the rest. The last is short."""
        return self._chain.push(block) if block is not None else self._chain.rest()


@dataclass(slots=True)
class _Chain:
    """Samples through filters in a row."""

    layout: str
    steps: list[tuple[str, str]]
    frame_samples: int = 0
    _graph: Graph = field(default_factory=Graph, init=False)
    _ends: tuple[Any, Any] | None = field(default=None, init=False)
    _at: int = field(default=0, init=False)

    def push(self, block: Samples) -> Iterator[AudioFrame]:
        inlet, outlet = self._ends = self._ends or self._built()
        for start in range(0, block.shape[1], _BLOCK):
            piece = np.ascontiguousarray(block[:, start : start + _BLOCK])
            inlet.push(self._frame(piece, self._at))
            self._at += piece.shape[1]
            yield from _ready(outlet)

    def rest(self) -> Iterator[AudioFrame]:
        if self._ends is not None and self._at:
            inlet, outlet = self._ends
            inlet.push(None)
            yield from _ready(outlet)

    def _built(self) -> tuple[Any, Any]:
        graph = self._graph
        first: Any = graph.add_abuffer(
            sample_rate=SAMPLE_RATE_HZ,
            format="fltp",
            layout=self.layout,
            time_base=Fraction(1, SAMPLE_RATE_HZ),
        )
        last = first
        for name, arguments in [*self.steps, ("abuffersink", "")]:
            node = graph.add(name, arguments or None)
            last.link_to(node)
            last = node
        graph.configure()
        if self.frame_samples:
            graph.set_audio_frame_size(self.frame_samples)
        return first, last

    def _frame(self, piece: Samples, at: int) -> AudioFrame:
        frame = AudioFrame.from_ndarray(piece, "fltp", self.layout)
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, at, Fraction(1, SAMPLE_RATE_HZ)
        return frame


def _ready(outlet: Any) -> Iterator[AudioFrame]:
    try:
        while True:
            yield outlet.pull()
    except (av.error.BlockingIOError, av.error.EOFError):
        return
