"""A local file opened by libav, in one careful way for every engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from actors.engines.clip.sniff import HEAD_BYTES, Sniffed, sniff
from actors.engines.errors import BadMedia, Refusal

# Playlists, scripts, images and devices are absent on purpose: some open other files or the network.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,flv,avi,mp3,aac,flac,wav,ogg"
VIDEO_CODECS = frozenset(
    (
        "h264",
        "hevc",
        "av1",
        "vvc",
        "vp8",
        "vp9",
        "mpeg1video",
        "mpeg2video",
        "mpeg4",
        "h263",
        "mjpeg",
        "prores",
    )
)
DECODE_THREADS = 2
_NOT_FILM = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
_ENCRYPTED_TAGS = {"encv", "drmi"}


@dataclass(frozen=True, slots=True)
class MediaFile:
    """An open container, its main video stream, and what its first bytes say it is."""

    container: InputContainer
    video: VideoStream
    sniffed: Sniffed | None

    @property
    def codec_name(self) -> str:
        """The codec, whichever decoder serves it (`av1`, not `libdav1d`)."""
        return str(self.video.codec_context.codec.canonical_name)

    def demux(self, streams: Any) -> Iterator["Packet[Any]"]:
        """Yield the packets of a stream or of several, then an empty one of each. Raises av.FFmpegError.

        PyAV 18 knows the streams of the header alone: when another one appeared midway, as FLV and transport
        streams may have it, it fails with IndexError where it makes the empty packets.
        """
        try:
            yield from self.container.demux(streams)
        except IndexError:
            return


@contextmanager
def open_media(path: Path, max_picture_px: int) -> Iterator[MediaFile]:
    """Open a clip and choose its stream; the decoder will refuse larger pictures before it allocates.

    Raises BadMedia: empty, not_media, damaged, no_video, unsupported_codec, encrypted.
    """
    av.logging.set_level(None)
    head = _head(path)
    sniffed = sniff(head)
    with _container(path, sniffed, max_picture_px) as container:
        video = _main_video(container)
        video.codec_context.options = {"max_pixels": str(max_picture_px)}
        video.codec_context.thread_count = DECODE_THREADS
        yield MediaFile(container, video, sniffed)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise BadMedia(Refusal.EMPTY)
    return head


def _container(path: Path, sniffed: Sniffed | None, max_picture_px: int) -> InputContainer:
    options = {
        "format_whitelist": FORMATS,
        "protocol_whitelist": "file",
        "max_pixels": str(max_picture_px),
    }
    try:
        return av.open(f"file:{path}", "r", options=options, metadata_errors="replace")
    except av.error.MemoryError as error:  # honest headers need a few MB: this one claims absurd tables
        raise BadMedia(Refusal.DAMAGED, "the header asks for too much memory") from error
    except (av.FFmpegError, ValueError) as error:
        code = Refusal.DAMAGED if sniffed else Refusal.NOT_MEDIA
        raise BadMedia(code, _said(error)) from error


def _main_video(container: InputContainer) -> VideoStream:
    films = [stream for stream in container.streams.video if not stream.disposition & _NOT_FILM]
    if not films:
        raise BadMedia(Refusal.NO_VIDEO, "the file has no video track")
    playable = [stream for stream in films if is_supported(stream)]
    if not playable:
        raise BadMedia(Refusal.UNSUPPORTED_CODEC, str(getattr(films[0].codec_context, "name", "unknown")))
    best = max(playable, key=_rank)
    if is_encrypted(best):
        raise BadMedia(Refusal.ENCRYPTED)
    return best


def _rank(stream: VideoStream) -> tuple[bool, bool, int]:
    """Prefer what the file calls its default, then moving pictures, then the first."""
    return bool(stream.disposition & Disposition.default), stream.frames != 1, -stream.index


def is_supported(stream: VideoStream) -> bool:
    """Whether we decode this stream's codec; a stream without a decoder has no codec context."""
    context: Any = stream.codec_context
    return context is not None and context.codec.canonical_name in VIDEO_CODECS


def is_encrypted(stream: VideoStream) -> bool:
    """Whether the header says that the packets are encrypted (Common Encryption, WebM)."""
    return "enc_key_id" in stream.metadata or stream.codec_context.codec_tag in _ENCRYPTED_TAGS


def _said(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
