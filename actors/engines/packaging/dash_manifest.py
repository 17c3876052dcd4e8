"""The DASH manifest (ISO/IEC 23009-1) of the same segments that HLS lists. Pure."""

import posixpath
from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from math import ceil
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from actors.engines.packaging.dash_images import images_set
from actors.engines.packaging.menu import names_of, plain, told_language
from actors.engines.packaging.presentation import (
    ORIGINAL,
    CaptionTrack,
    Presentation,
    boundaries,
    durations,
    longest_seconds,
)
from subjects.media import Rendition

_NAMESPACE: Final = "urn:mpeg:dash:schema:mpd:2011"
_PROFILE: Final = "urn:mpeg:dash:profile:isoff-live:2011"
"""In spite of its name that of all separate segments that a template names."""
_CHANNELS: Final = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
_PLAIN_CHANNELS: Final = range(1, 7)
"""So far the number of a configuration is that of its channels."""
_CICP: Final = "urn:mpeg:mpegB:cicp"
_HDR: Final = {"PQ": 16, "HLG": 18}
"""Transfer characteristics (ISO/IEC 23091-2, table 3) of what is not SDR; both come with the colours of
BT.2020: primaries and matrix 9."""
_BT2020: Final = 9
_RATE_ROUNDING: Final = 0.001
"""How far a rate that was written down with three digits may be from what it was."""
_ROLE: Final = "urn:mpeg:dash:role:2011"
_CAPTIONS_BPS: Final = 256
"""The schema wants a bandwidth; people speak 15 characters a second, and a cue has its times besides."""


def manifest(presentation: Presentation) -> str:
    """Return the manifest. A player adapts among the renditions of one set, whose segments are aligned."""
    longest = Fraction(ceil(max(longest_seconds(one) for one in presentation.renditions)))
    root = Element(
        "MPD",
        xmlns=_NAMESPACE,
        profiles=_PROFILE,
        type="static",
        mediaPresentationDuration=iso_duration(told_seconds(presentation.duration_seconds)),
        maxSegmentDuration=iso_duration(longest),
        # Who has loaded a whole segment, over a line of the peak bandwidth, never runs dry.
        minBufferTime=iso_duration(longest),
    )
    period = SubElement(root, "Period", id="0", start="PT0S")
    for number, renditions in enumerate(aligned_sets(presentation)):
        period.append(_media_set(presentation, number, renditions))
    if presentation.images is not None:
        period.append(images_set(presentation, presentation.images))
    period.extend(_captions_set(presentation, track) for track in presentation.captions)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def aligned_sets(presentation: Presentation) -> list[tuple[Rendition, ...]]:
    """Return sets of renditions between which a player may change at any segment, each by bandwidth.

    Those of the ladder come first, then HDR, which is never mixed with what is not, and the original, whose
    segments are where its key frames are. Sounds follow, each by itself, in the given order.
    """

    def kind(one: Rendition) -> tuple[bool, bool, str, str, str, int, tuple[int, ...]]:
        place, light = posixpath.dirname(_folder(one)), one.video_range
        return (
            one.name == ORIGINAL,
            light in _HDR,
            light,
            one.codec,
            place,
            one.timescale,
            boundaries(one),
        )

    groups = groupby(sorted(presentation.videos, key=kind), kind)
    return [*(tuple(members) for _, members in groups), *((one,) for one in presentation.audios)]


def told_seconds(seconds: Fraction) -> Fraction:
    """Return how long the manifest says that it lasts: a millisecond or two longer than it does.

    dash.js (5.2.1) looks five times a second whether the end is reached, and when it sees that before the
    browser says so, it goes back half a second and pauses there: one play in ten never ended.
    """
    return Fraction(ceil(seconds * 1000) + 1, 1000)


def iso_duration(seconds: Fraction) -> str:
    """Return an xs:duration, to the microsecond."""
    whole, rest = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"PT{whole}{f'.{rest:06}'.rstrip('0') if rest else ''}S"


def _about(presentation: Presentation, first: Rendition) -> list[Element]:
    """Return what an AdaptationSet says of itself, in the order of the schema."""
    found = []
    if first.video_range in _HDR:
        told = {
            "ColourPrimaries": _BT2020,
            "TransferCharacteristics": _HDR[first.video_range],
            "MatrixCoefficients": _BT2020,
        }
        found += [
            Element("EssentialProperty", schemeIdUri=f"{_CICP}:{what}", value=str(value))
            for what, value in told.items()
        ]
    if first.kind == "audio" and plain(first.label or ""):
        label = Element("Label")
        label.text = names_of(presentation.audios)[presentation.audios.index(first)]
        found.append(label)
    is_main = first.kind == "video" or first is presentation.audios[0]
    return [*found, Element("Role", schemeIdUri=_ROLE, value="main" if is_main else "alternate")]


def _priority(renditions: Sequence[Rendition]) -> int:
    """Return which set a player takes, the largest, unless its viewer chooses.

    One that compared them by their bitrates would take the original, or HDR in one size only, and could not
    adapt.
    """
    if renditions[0].video_range in _HDR:
        return 3 if len(renditions) > 1 else 1
    return 1 if renditions[0].name == ORIGINAL else 2


def _media_set(presentation: Presentation, number: int, renditions: Sequence[Rendition]) -> Element:
    """Return an AdaptationSet. Where its segments are is said once for all of its renditions."""
    first = renditions[0]
    group = Element(
        "AdaptationSet",
        id=str(number),
        contentType=first.kind,
        mimeType=f"{first.kind}/mp4",
        segmentAlignment="true",
        startWithSAP="1",
        selectionPriority=str(_priority(renditions)),
    )
    language = told_language(first)
    if language is not None:
        group.set("lang", language)
    group.extend(_about(presentation, first))
    files = presentation.reference(posixpath.dirname(_folder(first))) + "/$RepresentationID$"
    template = SubElement(
        group,
        "SegmentTemplate",
        timescale=str(first.timescale),
        initialization=f"{files}/{posixpath.basename(first.init_key)}",
        media=f"{files}/$Time$.m4s",
    )
    template.append(_timeline(boundaries(first)))
    group.extend(_representation(one) for one in renditions)
    return group


def _timeline(times: Sequence[int]) -> Element:
    """Return the times of all segments: one element for each run of equal durations."""
    timeline = Element("SegmentTimeline")
    for duration, run in groupby(durations(times)):
        repeats = len(list(run)) - 1
        entry = SubElement(timeline, "S", {} if len(timeline) else {"t": str(times[0])}, d=str(duration))
        if repeats:
            entry.set("r", str(repeats))
    return timeline


def _representation(one: Rendition) -> Element:
    """Return a Representation. Its id is the name of the folder that its segments are in."""
    known = {
        "width": one.width_px,
        "height": one.height_px,
        "frameRate": None if one.fps is None else _frame_rate(one.fps),
        "audioSamplingRate": one.sample_rate_hz,
    }
    representation = Element(
        "Representation",
        {name: str(value) for name, value in known.items() if value is not None},
        id=posixpath.basename(_folder(one)),
        codecs=one.codecs,
        bandwidth=str(one.bandwidth_bps),
    )
    if one.width_px and one.height_px:
        representation.set("sar", "1:1")
    if one.channels in _PLAIN_CHANNELS:
        SubElement(
            representation, "AudioChannelConfiguration", schemeIdUri=_CHANNELS, value=str(one.channels)
        )
    return representation


def _frame_rate(fps: float) -> str:
    """Return frames per second as the ratio of integers that the schema wants: 30000/1001 for 29.97."""
    nominal = round(fps * 1.001)
    if abs(nominal / 1.001 - fps) < _RATE_ROUNDING:
        return f"{nominal * 1000}/1001"
    return str(Fraction(fps).limit_denominator(1001))


def _captions_set(presentation: Presentation, track: CaptionTrack) -> Element:
    group = Element("AdaptationSet", contentType="text", mimeType="text/vtt", lang=track.language)
    SubElement(group, "Label").text = plain(track.name) or track.language
    SubElement(group, "Role", schemeIdUri=_ROLE, value="caption")
    text = SubElement(group, "Representation", id=f"captions-{track.language}", bandwidth=str(_CAPTIONS_BPS))
    SubElement(text, "BaseURL").text = presentation.reference(track.key)
    return group


def _folder(rendition: Rendition) -> str:
    return posixpath.dirname(rendition.init_key)
