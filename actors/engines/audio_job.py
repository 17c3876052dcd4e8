"""The job of the sound encoder: measures the loudness, then encodes. Runs in the child."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from actors.engines.audio import EncodedSound, SoundRequest
from actors.engines.cmaf_track import Track
from actors.engines.job_wire import Report
from actors.engines.loudness import SILENCE_LUFS, gain_db, leveled, measured_lufs
from actors.engines.media_file import open_media
from actors.engines.sound_source import SAMPLE_RATE_HZ, SoundSource, main_sound
from actors.engines.sound_writer import SoundWriter
from actors.engines.source_frames import SourceFrames

_MEASURING = 0.4
_FRAME_SAMPLES = 1_024
"""Of AAC-LC."""


def encode_sound(request: SoundRequest, report: Report) -> EncodedSound:
    """Encode the sound; a clip without any has no track. Reads the clip twice: levels come first."""
    report(0.0, "opening the clip")
    begin_seconds = _begin_seconds(request, report)
    with _source(request, begin_seconds, _ticker(request, report, 0.0, _MEASURING)) as source:
        if source is None:
            return EncodedSound()
        lufs = measured_lufs(source.samples(), source.layout)
    gain = gain_db(lufs)
    with _source(request, begin_seconds, _ticker(request, report, _MEASURING, 1 - _MEASURING)) as source:
        if source is None:
            return EncodedSound()
        track = _written(request, source, gain)
        damaged = source.damaged_packets
    return EncodedSound(
        track=track,
        sample_rate_hz=SAMPLE_RATE_HZ,
        channels=1 if source.layout == "mono" else 2,
        measured_lufs=lufs if lufs is not None and lufs > SILENCE_LUFS else None,
        gain_db=gain,
        warnings=(f"{damaged} packets of the sound could not be decoded",) if damaged else (),
    )


def _written(request: SoundRequest, source: SoundSource, gain: float) -> Track | None:
    folder = Path(request.out_dir) / request.rendition
    bitrate_bps = request.bitrate_bps // (2 if source.layout == "mono" else 1)
    with SoundWriter(folder, request.segment_seconds) as writer:
        stream = writer.encoder("aac", SAMPLE_RATE_HZ, source.layout, bitrate_bps)
        for frame in leveled(source.samples(), source.layout, gain, _FRAME_SAMPLES):
            for packet in stream.encode(frame):
                writer.mux(packet)
        for packet in stream.encode(None):
            writer.mux(packet)
        return writer.finish(request.rendition)


def _begin_seconds(request: SoundRequest, report: Report) -> Fraction:
    source = SourceFrames(
        Path(request.path), request.max_picture_px, lambda _: report(0.0, "looking for the first picture")
    )
    beginning = source.beginning()
    return beginning.pts * beginning.time_base


@contextmanager
def _source(
    request: SoundRequest, begin_seconds: Fraction, tick: Callable[[float], None]
) -> Iterator[SoundSource | None]:
    with open_media(Path(request.path), request.max_picture_px) as media:
        stream = main_sound(media.container)
        if stream is None:
            yield None
            return
        yield SoundSource(media.container, stream, begin_seconds, request.duration_seconds, tick)


def _ticker(request: SoundRequest, report: Report, start: float, share: float) -> Callable[[float], None]:
    whole = max(request.duration_seconds, 0.001)
    return lambda at: report(start + share * min(1.0, at / whole), "encoding the sound")
