"""One track of sound on its way: leveled, encoded as AAC, and written as segments."""

from pathlib import Path
from typing import Any, Self

from av.audio.frame import AudioFrame

from actors.engines.cmaf.track import Track
from actors.engines.sound.loudness import Leveler
from actors.engines.sound.source import SAMPLE_RATE_HZ, Samples
from actors.engines.sound.writer import SoundWriter

_FRAME_SAMPLES = 1_024
"""Of AAC-LC."""


class SoundEncoding:
    """Use it in `with`: give it all blocks, then `finish`."""

    def __init__(
        self, folder: Path, layout: str, gain: float, *, bitrate_bps: int, segment_seconds: float
    ) -> None:
        """`gain` is in decibels, `bitrate_bps` that of stereo: mono gets half. The folder is its name."""
        self._folder, self._layout = folder, layout
        self._bitrate_bps = bitrate_bps // (2 if layout == "mono" else 1)
        self._writer = SoundWriter(folder, segment_seconds)
        self._leveler = Leveler(layout, gain, _FRAME_SAMPLES)
        self._stream: Any = None

    def __enter__(self) -> Self:
        self._writer.__enter__()
        self._stream = self._writer.encoder("aac", SAMPLE_RATE_HZ, self._layout, self._bitrate_bps)
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.__exit__(None, None, None)

    def add(self, block: Samples) -> None:
        """Take the next samples."""
        for frame in self._leveler.leveled(block):
            self._encode(frame)

    def finish(self) -> Track | None:
        """Close the files, and say what was made; None when there was nothing."""
        for frame in self._leveler.leveled(None):
            self._encode(frame)
        self._encode(None)
        return self._writer.finish(self._folder.name)

    def _encode(self, frame: AudioFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._writer.mux(packet)
