"""The job of the sound encoder: measures the loudness, then encodes. Runs in the child.

All tracks are read in the same two readings of the clip. Each is brought to one loudness by its own measure:
who changes the language hears a voice as loud as before, whatever the two mixes were. Beside a main track
that is copied, and so keeps its level, that loudness is the main track's.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from actors.engines.clip.media_file import open_media
from actors.engines.clip.source_frames import SourceFrames
from actors.engines.sandbox.job_wire import Report
from actors.engines.sound.audio import EncodedSounds, Sound, SoundRequest
from actors.engines.sound.encode_track import SoundEncoding
from actors.engines.sound.facts import SoundFacts, numbered
from actors.engines.sound.loudness import SILENCE_LUFS, TARGET_LUFS, Meter, gain_db
from actors.engines.sound.reading import SoundReading
from actors.engines.sound.source import SoundSource
from actors.engines.sound.tracks import facts_of, sounds_of

_MEASURING = 0.4
_RENDITION = "audio-aac"


@dataclass(frozen=True, slots=True)
class Measured:
    """A track that can be heard, its loudness (None for silence) and its layout, `mono` or `stereo`."""

    facts: SoundFacts
    lufs: float | None
    layout: str


def encode_sound(request: SoundRequest, report: Report) -> EncodedSounds:
    """Encode the sound; a clip without any has no track. Reads the clip twice: levels come first."""
    report(0.0, "opening the clip")
    facts, unknown, more = _facts(request)
    if all(one.index in request.copied for one in facts):
        return EncodedSounds(dead=unknown, left_out=more)
    reading = _reading(request, report)
    found = _measured(request, facts, reading(0.0, _MEASURING))
    alive = {one.facts.index for one in found}
    return EncodedSounds(
        sounds=_encoded(request, found, reading(_MEASURING, 1 - _MEASURING)),
        dead=(*unknown, *(one.index for one in facts if one.index not in alive)),
        left_out=more,
    )


def target_of(found: Sequence[Measured], copied: Sequence[int]) -> float:
    """Return the loudness to bring tracks to: that of the main one when it is copied and not silent. Pure."""
    main = found[0] if found and found[0].facts.index in copied else None
    return main.lufs if main is not None and main.lufs is not None else TARGET_LUFS


def _facts(request: SoundRequest) -> tuple[list[SoundFacts], tuple[int, ...], int]:
    """Return the tracks to be heard, those that have no decoder, and how many more there are."""
    with open_media(Path(request.path), request.max_picture_px) as media:
        streams = sounds_of(media.container)
        wanted = streams[: request.tracks_max]
        unknown = {one.index for one in media.container.streams.audio} - {one.index for one in streams}
        facts = [facts_of(one, place) for place, one in enumerate(wanted)]
        return facts, tuple(sorted(unknown)), len(streams) - len(wanted)


def _reading(request: SoundRequest, report: Report) -> Callable[[float, float], SoundReading]:
    """Return what makes readings, each with its part of the progress."""
    path, whole = Path(request.path), max(request.duration_seconds, 0.001)
    frames = SourceFrames(
        path, request.max_picture_px, lambda _: report(0.0, "looking for the first picture")
    )
    first = frames.beginning()

    def of(start: float, share: float) -> SoundReading:
        return SoundReading(
            path,
            request.max_picture_px,
            first.pts * first.time_base,
            request.duration_seconds,
            lambda at: report(start + share * min(1.0, at / whole), "encoding the sound"),
        )

    return of


def _measured(request: SoundRequest, facts: Sequence[SoundFacts], reading: SoundReading) -> list[Measured]:
    """Return the tracks that can be heard. Is the main one dead, the next takes its place, and its name."""
    meters: dict[int, Meter] = {}
    for index, block in reading.blocks([one.index for one in facts]):
        if index not in meters:
            meters[index] = Meter(reading.sources[index].layout)
        meters[index].add(block)
    found = []
    for one in facts:
        if one.index in meters and reading.sources[one.index].decoded_samples:
            lufs = meters[one.index].lufs()
            audible = lufs if lufs is not None and lufs > SILENCE_LUFS else None
            found.append(Measured(one, audible, reading.sources[one.index].layout))
    if found and not request.copied:
        found[0] = Measured(
            replace(found[0].facts, rendition=numbered(_RENDITION, 0)), found[0].lufs, found[0].layout
        )
    return found


def _encoded(request: SoundRequest, found: Sequence[Measured], reading: SoundReading) -> tuple[Sound, ...]:
    target_lufs = target_of(found, request.copied)
    wanted = {one.facts.index: one for one in found if one.facts.index not in request.copied}
    with ExitStack() as stack:
        encodings = {
            index: stack.enter_context(_encoding(request, one, gain_db(one.lufs, target_lufs)))
            for index, one in wanted.items()
        }
        for index, block in reading.blocks(list(wanted)) if wanted else ():
            encodings[index].add(block)
        made: list[Sound] = []
        for index, one in wanted.items():
            sound = _sound(one, encodings[index], reading.sources[index], gain_db(one.lufs, target_lufs))
            if sound is not None:
                made.append(replace(sound, default=not request.copied and not made))
        return tuple(made)


def _encoding(request: SoundRequest, one: Measured, gain: float) -> SoundEncoding:
    return SoundEncoding(
        Path(request.out_dir) / one.facts.rendition,
        one.layout,
        gain,
        bitrate_bps=request.bitrate_bps,
        segment_seconds=request.segment_seconds,
    )


def _sound(one: Measured, encoding: SoundEncoding, source: SoundSource, gain: float) -> Sound | None:
    track, damaged = encoding.finish(), source.damaged_packets
    if track is None:
        return None
    return Sound(
        facts=one.facts,
        track=track,
        channels=1 if one.layout == "mono" else 2,
        measured_lufs=one.lufs,
        gain_db=gain,
        warnings=(f"{damaged} packets of the sound could not be decoded",) if damaged else (),
    )
