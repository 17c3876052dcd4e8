"""The first picture of a clip: the proof that it can be decoded, and what only pictures say."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from actors.engines.clip.media_file import MediaFile
from actors.engines.clip.orientation import Orientation, orientation_of_matrix, snap_degrees
from actors.engines.errors import BadMedia, Refusal

MAX_PACKETS = 600
"""Ten seconds at 60 fps: a recording that starts between two key frames needs some."""
_TOO_LARGE_LOG = "exceeds specified max pixel count"


@dataclass(frozen=True, slots=True)
class FirstPicture:
    """The first decoded frame and its orientation."""

    frame: VideoFrame
    orientation: Orientation


def first_picture(media: MediaFile) -> FirstPicture:
    """Decode until there is a picture; raises BadMedia: encrypted, too_large_picture, damaged."""
    with loud_libav() as said:
        for packet in _some_packets(media):
            if packet.has_sidedata("encryption_info"):
                raise BadMedia(Refusal.ENCRYPTED)
            for frame in decoded(packet):
                return FirstPicture(frame, orientation_of(frame))
            if any(_TOO_LARGE_LOG in line for _, _, line in said):
                raise BadMedia(Refusal.TOO_LARGE_PICTURE, "the picture is larger than the header says")
    raise BadMedia(Refusal.DAMAGED, "no picture could be decoded")


def decoded(packet: "Packet[VideoStream]") -> list[VideoFrame]:
    """The frames of a packet; a damaged packet has none."""
    try:
        return packet.decode()
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError):
        return []


def orientation_of(frame: VideoFrame) -> Orientation:
    """How to turn this frame upright."""
    try:
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV 18 cannot name the side data of spatial video, and then shows none of it
        return Orientation(snap_degrees(-frame.rotation))
    return orientation_of_matrix(bytes(matrix)) if matrix is not None else Orientation()


@contextmanager
def loud_libav(level: int = av.logging.ERROR) -> Iterator[list[tuple[int, str, str]]]:
    """Libav's messages as a list, from all of its threads: some things are told nowhere else."""
    av.logging.set_level(level)
    try:
        with av.logging.Capture(local=False) as said:
            yield said
    finally:
        av.logging.set_level(None)


def _some_packets(media: MediaFile) -> Iterator["Packet[VideoStream]"]:
    count = 0
    try:
        for packet in media.demux(media.video):
            count += 1
            yield packet
            if count >= MAX_PACKETS:
                return
    except MemoryError:
        raise
    except av.FFmpegError:
        return
