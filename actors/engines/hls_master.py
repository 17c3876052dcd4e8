"""The HLS master playlist (RFC 8216, section 4.3.4): which renditions a player may choose from. Pure."""

from typing import Final

from actors.engines.hls_playlists import VERSION, key_frame_rates_bps, key_frames
from actors.engines.presentation import CaptionTrack, Presentation
from subjects.media import Rendition

FIRST_BPS: Final = 2_000_000
"""What a player begins with before it has measured anything is the first variant: about what Apple's
authoring specification asks for on Wi-Fi."""
_AUDIO: Final = "audio"
_SUBTITLES: Final = "subtitles"


def master_playlist(presentation: Presentation) -> str:
    """Return the playlist that names those of the renditions, which lie beside it as `<name>.m3u8`."""
    videos = in_order_of_choice(presentation.videos)
    groups = [
        *(_audio(one, is_first=one is presentation.audios[0]) for one in presentation.audios),
        *(_subtitles(track) for track in presentation.captions),
    ]
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        *groups,
        *(_variant(presentation, one) for one in videos),
        *(_iframes(one) for one in videos if key_frames(one)),
    ]
    return "\n".join(lines) + "\n"


def in_order_of_choice(videos: tuple[Rendition, ...]) -> tuple[Rendition, ...]:
    """Return the variants with the one first that most connections carry, the others from the smallest."""
    ascending = sorted(videos, key=lambda one: one.bandwidth_bps)
    first = next((one for one in reversed(ascending) if one.bandwidth_bps <= FIRST_BPS), ascending[0])
    return first, *(one for one in ascending if one is not first)


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
    if video.width_px is None or video.height_px is None:
        return []
    return [f"RESOLUTION={video.width_px}x{video.height_px}"]


def _audio(audio: Rendition, *, is_first: bool) -> str:
    attributes = [
        "TYPE=AUDIO",
        f'GROUP-ID="{_AUDIO}"',
        f'NAME="{audio.name}"',
        f"DEFAULT={'YES' if is_first else 'NO'}",
        "AUTOSELECT=YES",
        *([f'CHANNELS="{audio.channels}"'] if audio.channels else []),
        f'URI="{audio.name}.m3u8"',
    ]
    return f"#EXT-X-MEDIA:{','.join(attributes)}"


def _subtitles(track: CaptionTrack) -> str:
    attributes = [
        "TYPE=SUBTITLES",
        f'GROUP-ID="{_SUBTITLES}"',
        f'NAME="{_quotable(track.name)}"',
        f'LANGUAGE="{track.language}"',
        "DEFAULT=NO",
        "AUTOSELECT=YES",
        f'URI="{captions_name(track)}"',
    ]
    return f"#EXT-X-MEDIA:{','.join(attributes)}"


def _quotable(text: str) -> str:
    """Return a text without what a quoted string cannot hold (section 4.2): there is no way to escape it."""
    return "".join("'" if c == '"' else c for c in text if c.isprintable())
