"""What jobs wrote as CMAF, put together again and decoded, as a player would."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from actors.engines.cmaf.track import Track, segment_name


def stitched(out_dir: Path, track: Track) -> bytes:
    """The init segment and all segments in a row."""
    folder = out_dir / track.rendition
    names = ["init.mp4", *(segment_name(segment.time) for segment in track.segments)]
    return b"".join((folder / name).read_bytes() for name in names)


def joined(tracks: list[Track]) -> Track:
    """One track of the chunks of a rendition."""
    segments = tuple(segment for track in tracks for segment in track.segments)
    return Track(
        rendition=tracks[0].rendition,
        codecs=tracks[0].codecs,
        timescale=tracks[0].timescale,
        init_sha256=tracks[0].init_sha256,
        segments=segments,
    )


def shown_seconds(data: bytes) -> list[Fraction]:
    """When each picture is shown, from the first one on: libav moves files with negative offsets."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        times = [frame.pts * stream.time_base for frame in container.decode(stream) if frame.pts is not None]
    return [time - times[0] for time in times]


def pictures(data: bytes) -> list[npt.NDArray[np.uint8]]:
    """Every picture: uint8 (h, w, 3), RGB."""
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(container.streams.video[0])]


def sound(data: bytes) -> npt.NDArray[np.float32]:
    """All samples: float32 (channels, n)."""
    with av.open(io.BytesIO(data)) as container:
        return np.concatenate(
            [frame.to_ndarray() for frame in container.decode(container.streams.audio[0])], axis=1
        )
