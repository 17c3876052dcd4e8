"""Every message as it was first said: it must be understood for ever, and mean the same.

The files are never rewritten. A new field gets a new expectation here only in its default; a message that no
longer decodes needs a new subject, not a new file.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from subjects.account import AccountClosed
from subjects.codec import MESSAGE_ID, SUBJECT, VERSION, open_message, seal
from subjects.media import AudioTrack, Frame, Location, Metadata, Picture, Rung, Storyboard, Timeline
from subjects.message import Message, Priority, Subject
from subjects.registry import SUBJECTS
from subjects.stage import StageProgressed, StageSkipped
from subjects.upload import UploadCompleted, UploadExpired
from subjects.video import (
    VideoDeleted,
    VideoFailed,
    VideoPlayable,
    VideoProbed,
    VideoReady,
    VideoRejected,
    VideoThumbnailed,
    VideoTranscoded,
    VideoUploaded,
)
from subjects.work import HOUSE, EncodeChunk, PackageDue, SweepDue, TracesDue

GOLDEN = Path(__file__).with_name("golden")
VIDEO = UUID("0199c8a2-7e3b-7c41-9d2a-3f1b5c6d7e8f")
UPLOAD = UUID("0199c8a2-7e3b-7c41-9d2a-000000000001")
USER = UUID("0199c8a2-7e3b-7c41-9d2a-000000000002")
KEY = f"videos/{VIDEO}/original"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

EXPECTED: dict[str, Message] = {
    "upload.completed.v1": UploadCompleted(
        video_id=VIDEO,
        upload_id=UPLOAD,
        segment_keys=("staging/1/0", "staging/1/1"),
        size_bytes=1_048_576,
        content_type="video/mp4",
        filename="träum.mp4",
        sha256=SHA256,
        completed_at=datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
    ),
    "upload.expired.v1": UploadExpired(video_id=VIDEO, upload_id=UPLOAD),
    "video.uploaded.v1": VideoUploaded(
        video_id=VIDEO, key=KEY, size_bytes=1_048_576, sha256=SHA256, content_type="video/mp4"
    ),
    "video.probed.v1": VideoProbed(
        video_id=VIDEO,
        key=KEY,
        sha256=SHA256,
        metadata=Metadata(
            duration_seconds=12.5,
            format="mp4",
            size_bytes=1_048_576,
            width_px=1080,
            height_px=1920,
            fps=29.97,
            codec="h264",
            bitrate_bps=671_088,
            rotation_degrees=90,
            mirrored=True,
            hdr="hlg",
            audio=AudioTrack(codec="aac", channels=2, sample_rate_hz=48_000),
        ),
        location=Location(lat=52.52, lng=13.405, source="container"),
        recorded_at=datetime(2026, 1, 1, 12, 0, tzinfo=UTC),
    ),
    "video.rejected.v1": VideoRejected(
        video_id=VIDEO, stage="prober", code="not_media", detail="no video track"
    ),
    "video.thumbnailed.v1": VideoThumbnailed(
        video_id=VIDEO,
        posters=(Picture(key="p/320.webp", content_type="image/webp", width_px=320, height_px=568),),
        preview=Picture(key="p/preview.webp", content_type="image/webp", width_px=240, height_px=426),
        storyboard=Storyboard(
            vtt_key="s/map.vtt",
            sheet_keys=("s/0.jpg",),
            tile_width_px=160,
            tile_height_px=284,
            interval_seconds=1.0,
        ),
        frames=(Frame(key="f/0.jpg", at_seconds=3.2, score=0.87),),
    ),
    "stage.skipped.v1": StageSkipped(
        video_id=VIDEO, stage="thumbnailer", reason="no_picture", detail="the video track is empty"
    ),
    "stage.progressed.v1": StageProgressed(
        video_id=VIDEO, stage="prober", attempt=2, fraction=0.5, note="reading"
    ),
    "video.playable.v1": VideoPlayable(
        video_id=VIDEO, hls_key="cmaf/v1/master.m3u8", dash_key="cmaf/v1/manifest.mpd"
    ),
    "video.transcoded.v1": VideoTranscoded(
        video_id=VIDEO,
        hls_key="cmaf/v2/master.m3u8",
        dash_key="cmaf/v2/manifest.mpd",
        renditions=("original", "720p-h264", "audio-aac"),
    ),
    "video.ready.v1": VideoReady(video_id=VIDEO),
    "video.failed.v1": VideoFailed(video_id=VIDEO, stage="prober", code="poison", detail="its process died"),
    "video.deleted.v1": VideoDeleted(video_id=VIDEO),
    "account.closed.v1": AccountClosed(user_id=USER),
    "work.expirer.v1": SweepDue(video_id=HOUSE),
    "work.eraser.v1": TracesDue(video_id=VIDEO),
    "work.encoder.v1": EncodeChunk(
        video_id=VIDEO,
        key=KEY,
        metadata=Metadata(
            duration_seconds=33.0,
            format="mov",
            size_bytes=1_048_576,
            width_px=1920,
            height_px=1080,
            fps=29.97,
            codec="hevc",
            bitrate_bps=254_200,
        ),
        timeline=Timeline(
            fps_num=30_000,
            fps_den=1_001,
            frames=989,
            gop_frames=60,
            segment_frames=120,
            chunk_frames=480,
        ),
        rungs=(
            Rung(name="720p-h264", codec="h264", width_px=1280, height_px=720, bitrate_bps=2_800_000),
            Rung(name="360p-h264", codec="h264", width_px=640, height_px=360, bitrate_bps=800_000),
        ),
        chunk=2,
        first_frame=960,
        frames=29,
        pass_number=1,
    ),
    "work.packager.v1": PackageDue(video_id=VIDEO, pass_number=1),
}


def label(subject: Subject[Message]) -> str:
    return f"{subject.name}.v{subject.version}"


@pytest.mark.parametrize("subject", SUBJECTS, ids=label)
def test_every_registered_subject_has_a_golden_sample(subject: Subject[Message]) -> None:
    assert (GOLDEN / f"{label(subject)}.json").exists()
    assert label(subject) in EXPECTED


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_what_was_said_once_means_the_same_for_ever(path: Path) -> None:
    name = path.stem.rpartition(".v")[0]
    subject = f"{name}.normal.{VIDEO}"
    assert open_message(subject, {SUBJECT: name}, path.read_bytes()) == EXPECTED[path.stem]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_no_field_that_was_ever_said_is_renamed_or_dropped(path: Path) -> None:
    said = msgspec.json.decode(path.read_bytes())
    sealed = seal(EXPECTED[path.stem], message_id="a", priority=Priority.NORMAL)
    says_now = msgspec.json.decode(sealed.body)
    assert holds(says_now, said)
    assert sealed.headers == {MESSAGE_ID: "a", SUBJECT: path.stem.rpartition(".v")[0], VERSION: "1"}


def holds(now: Any, said: Any) -> bool:
    """Whether everything that was said is still said, at every depth; new fields may stand beside it."""
    if isinstance(said, dict):
        return all(name in now and holds(now[name], value) for name, value in said.items())
    if isinstance(said, list):
        return len(now) == len(said) and all(map(holds, now, said))
    return bool(now == said)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_field_of_a_newer_writer_is_ignored(path: Path) -> None:
    said = {**msgspec.json.decode(path.read_bytes()), "from_the_future": {"a": [1]}}
    name = path.stem.rpartition(".v")[0]
    opened = open_message(f"{name}.normal.{VIDEO}", {}, msgspec.json.encode(said))
    assert opened == EXPECTED[path.stem]
