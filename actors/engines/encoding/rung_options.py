"""What each encoder is asked for. Pure.

Every rung has a key frame exactly at the start of each group and nowhere else, so that players can change
rungs at any of them; its quality is constant, and bounded by what its bit rate allows.
"""

from actors.engines.encoding.mastering import Mastering
from subjects.media import Rung, Timeline

_ENCODERS = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1", "vp9": "libvpx-vp9"}
_CRF = {"h264": "23", "hevc": "26", "av1": "35", "vp9": "33"}
"""About the same quality to the eye, by each encoder's own documentation of its default."""
_MAXRATE, _BUFFER = 1.2, 2.0
"""Of the rung's bit rate: the peak, and the seconds of it that a player buffers."""
_SVT_PRESETS = {
    "ultrafast": 12,
    "superfast": 11,
    "veryfast": 10,
    "faster": 9,
    "fast": 8,
    "medium": 6,
    "slow": 5,
    "slower": 4,
    "veryslow": 3,
}
_VPX_SPEEDS = {
    "ultrafast": 8,
    "superfast": 8,
    "veryfast": 7,
    "faster": 6,
    "fast": 5,
    "medium": 4,
    "slow": 3,
    "slower": 2,
    "veryslow": 1,
}
PRESETS = tuple(_SVT_PRESETS)
"""From the fastest to the slowest."""


def encoder_name(rung: Rung) -> str:
    """Return libav's name of the encoder. Raises ValueError."""
    if rung.codec not in _ENCODERS:
        raise ValueError(f"no encoder for {rung.codec}")
    return _ENCODERS[rung.codec]


def pixel_format(rung: Rung) -> str:
    """Return libav's name of what the encoder takes."""
    return "yuv420p" if rung.video_range == "SDR" else "yuv420p10le"


def encoder_options(
    rung: Rung, line: Timeline, preset: str, mastering: Mastering | None = None
) -> dict[str, str]:
    """Options of the encoder; `preset` is one of PRESETS, x264's, and stands for a like speed of the others.

    `mastering` is told of in rungs of high dynamic range only.
    """
    told = mastering if rung.video_range != "SDR" else None
    gop = line.gop_frames
    crf = {"crf": _CRF[rung.codec]}
    peak = {
        "maxrate": str(round(rung.bitrate_bps * _MAXRATE)),
        "bufsize": str(round(rung.bitrate_bps * _BUFFER)),
    }
    if rung.codec == "h264":
        return {"preset": preset, "sc_threshold": "0", "keyint_min": str(gop), **crf, **peak}
    if rung.codec == "hevc":
        params = f"keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:log-level=none:repeat-headers=0:info=0"
        params += told.x265_params if told is not None else ""
        return {"preset": preset, "x265-params": params, **crf, **peak}
    if rung.codec == "av1":
        params = f"keyint={gop}:irefresh-type=2:scd=0:mbr={round(rung.bitrate_bps * _MAXRATE / 1000)}"
        params += told.svt_params if told is not None else ""
        return {"preset": str(_SVT_PRESETS[preset]), "svtav1-params": params, **crf}
    speed = str(_VPX_SPEEDS[preset])
    limits = {"b": str(rung.bitrate_bps), "keyint_min": str(gop)}
    return {"deadline": "good", "cpu-used": speed, "row-mt": "1", "lag-in-frames": "16", **crf, **limits}
