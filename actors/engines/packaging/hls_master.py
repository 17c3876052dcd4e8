"""The HLS master playlist (RFC 8216, section 4.3.4): which renditions a player may choose from. Pure.

VIDEO-RANGE is of its second edition (draft-pantos-hls-rfc8216bis-18, section 4.4.6.2).
"""

from collections.abc import Iterator
from typing import Final

from actors.engines.packaging.hls_images import images_of
from actors.engines.packaging.hls_playlists import VERSION, key_frame_rates_bps, key_frames
from actors.engines.packaging.menu import distinct, names_of, quotable, told_language
from actors.engines.packaging.presentation import CaptionTrack, Presentation
from subjects.media import Rendition

FIRST_BPS: Final = 2_000_000
"""What a player begins with before it has measured anything is the first variant: about what Apple's
authoring specification asks for on Wi-Fi."""
_AUDIO: Final = "audio"
_SUBTITLES: Final = "subtitles"


def master_playlist(presentation: Presentation) -> str:
    """Return the playlist that names those of the renditions, which lie beside it as `<name>.m3u8`."""
    videos = in_order_of_choice(presentation.videos)
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        *_audios(presentation.audios),
        *_subtitles(presentation.captions),
        *(_variant(presentation, one) for one in videos),
        *(_iframes(one) for one in videos if has_key_frames(one)),
        *([images_of(presentation, presentation.images)] if presentation.images is not None else []),
    ]
    return "\n".join(lines) + "\n"


def in_order_of_choice(videos: tuple[Rendition, ...]) -> tuple[Rendition, ...]:
    """Return the variants with the one first that most connections carry, the others from the smallest.

    Every screen shows what is not HDR: so such a one is the first, if there is any.
    """
    ascending = sorted(videos, key=lambda one: one.bandwidth_bps)
    shown = [one for one in ascending if one.video_range == "SDR"] or ascending
    first = next((one for one in reversed(shown) if one.bandwidth_bps <= FIRST_BPS), shown[0])
    return first, *(one for one in ascending if one is not first)


def has_key_frames(video: Rendition) -> bool:
    """Whether there can be a playlist of key frames. A part of an encrypted segment cannot be decrypted."""
    return video.key_name is None and bool(key_frames(video))


def captions_name(track: CaptionTrack) -> str:
    """Return the file name of the playlist of captions."""
    return f"captions-{track.language}.m3u8"


def _variant(presentation: Presentation, video: Rendition) -> str:
    """A variant's bandwidth is that of the video and of the largest audio it may be played with."""
    audios = presentation.audios
    peak = video.bandwidth_bps + max((one.bandwidth_bps for one in audios), default=0)
    average = video.average_bps + max((one.average_bps for one in audios), default=0)
    codecs = ",".join(dict.fromkeys([video.codecs, *(one.codecs for one in audios)]))
    attributes = [f"BANDWIDTH={peak}", f"AVERAGE-BANDWIDTH={average}", f'CODECS="{codecs}"', *_picture(video)]
    if video.fps is not None:
        attributes.append(f"FRAME-RATE={video.fps:.3f}")
    if audios:
        attributes.append(f'AUDIO="{_AUDIO}"')
    if presentation.captions:
        attributes.append(f'SUBTITLES="{_SUBTITLES}"')
    return f"#EXT-X-STREAM-INF:{','.join(attributes)}\n{video.name}.m3u8"


def _iframes(video: Rendition) -> str:
    peak, average = key_frame_rates_bps(video)
    attributes = [
        f"BANDWIDTH={peak}",
        f"AVERAGE-BANDWIDTH={average}",
        f'CODECS="{video.codecs}"',
        *_picture(video),
        f'URI="{video.name}.iframes.m3u8"',
    ]
    return f"#EXT-X-I-FRAME-STREAM-INF:{','.join(attributes)}"


def _picture(video: Rendition) -> list[str]:
    known = video.width_px is not None and video.height_px is not None
    size = [f"RESOLUTION={video.width_px}x{video.height_px}"] if known else []
    return [*size, f"VIDEO-RANGE={video.video_range}"]


def _audios(audios: tuple[Rendition, ...]) -> Iterator[str]:
    """Yield the sounds. Those that a player may choose by itself differ in language (section 4.3.4.1.1)."""
    heard: set[str | None] = set()
    for audio, name in zip(audios, names_of(audios), strict=True):
        language = told_language(audio)
        attributes = [
            "TYPE=AUDIO",
            f'GROUP-ID="{_AUDIO}"',
            f'NAME="{name}"',
            *([f'LANGUAGE="{language}"'] if language else []),
            f"DEFAULT={_yes(audio is audios[0])}",
            f"AUTOSELECT={_yes(language not in heard)}",
            *([f'CHANNELS="{audio.channels}"'] if audio.channels else []),
            f'URI="{audio.name}.m3u8"',
        ]
        heard.add(language)
        yield f"#EXT-X-MEDIA:{','.join(attributes)}"


def _subtitles(tracks: tuple[CaptionTrack, ...]) -> Iterator[str]:
    names = distinct(quotable(track.name) or track.language for track in tracks)
    for track, name in zip(tracks, names, strict=True):
        attributes = [
            "TYPE=SUBTITLES",
            f'GROUP-ID="{_SUBTITLES}"',
            f'NAME="{name}"',
            f'LANGUAGE="{track.language}"',
            "DEFAULT=NO",
            "AUTOSELECT=YES",
            f'URI="{captions_name(track)}"',
        ]
        yield f"#EXT-X-MEDIA:{','.join(attributes)}"


def _yes(holds: bool) -> str:
    return "YES" if holds else "NO"
