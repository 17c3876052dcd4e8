"""Several tracks of sound in one reading of their clip."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from actors.engines.clip.media_file import MediaFile, open_media
from actors.engines.sound.source import Samples, SoundSource

Heard = tuple[int, Samples]
"""The index of a stream, and its next samples."""


@dataclass(slots=True)
class SoundReading:
    """Reads the named streams of a clip once. Each has an unbroken timeline of its own."""

    path: Path
    max_picture_px: int
    begin_seconds: Fraction
    """When the picture begins, in the time of the container."""
    most_seconds: float
    tick: Callable[[float], None]
    """Called for every packet with the seconds that were heard."""
    sources: dict[int, SoundSource] = field(default_factory=dict, init=False)
    """By the stream's index, once the reading began."""

    def blocks(self, indexes: Sequence[int]) -> Iterator[Heard]:
        """Yield the samples of all streams as they come, up to the end of the picture or of what is readable.

        Raises BadMedia when the clip cannot be opened.
        """
        with open_media(self.path, self.max_picture_px) as media:
            streams = [media.container.streams[index] for index in indexes]
            self.sources = {one.index: self._source(one) for one in streams}
            yield from self._read(media, streams)
            for index, source in self.sources.items():
                for block in source.samples(None):
                    self.tick(source.heard_seconds)
                    yield index, block

    def _source(self, stream: Any) -> SoundSource:
        return SoundSource(stream, self.begin_seconds, self.most_seconds)

    def _read(self, media: MediaFile, streams: Sequence[Any]) -> Iterator[Heard]:
        for packet in _packets(media, streams):
            self.tick(min(one.heard_seconds for one in self.sources.values()))
            source = self.sources[packet.stream_index]
            yield from ((packet.stream_index, block) for block in source.samples(packet))
            if source.is_whole and all(one.is_whole for one in self.sources.values()):
                return


def _packets(media: MediaFile, streams: Sequence[Any]) -> Iterator["Packet[Any]"]:
    """Yield what can be read; the empty packets at the end would flush decoders, which we do ourselves."""
    try:
        yield from (packet for packet in media.demux(streams) if packet.size)
    except MemoryError:
        raise
    except av.FFmpegError:
        return
