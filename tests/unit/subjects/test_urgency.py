"""Which orders may wait for those of others."""

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from subjects.media import Metadata, Rung, Timeline
from subjects.message import Priority
from subjects.video import VideoReady
from subjects.work import EncodeChunk

LINE = Timeline(fps_num=30, fps_den=1, frames=900, gop_frames=60, segment_frames=120, chunk_frames=480)
METADATA: Any = Metadata(
    duration_seconds=30.0, format="mp4", size_bytes=3, width_px=1280, height_px=720, fps=30.0, codec="hevc",
    bitrate_bps=12,
)  # fmt: skip
FIRST = EncodeChunk(
    video_id=UUID(int=1),
    key="videos/1/original.mp4",
    metadata=METADATA,
    timeline=LINE,
    rungs=(Rung(name="360p-h264", codec="h264", width_px=640, height_px=360, bitrate_bps=800_000),),
    chunk=0,
    first_frame=0,
    frames=480,
)
LATER = replace(FIRST, pass_number=1)
LONG = replace(FIRST, timeline=replace(LINE, frames=30 * 3600))


@pytest.mark.parametrize(
    ("order", "urgency"), [(FIRST, "normal"), (LATER, "low"), (LONG, "low")], ids=["first", "later", "long"]
)
def test_what_makes_a_short_clip_playable_goes_before_what_may_wait(order: EncodeChunk, urgency: str) -> None:
    assert order.urgency(Priority.NORMAL) == urgency


@pytest.mark.parametrize("order", [FIRST, LATER, LONG], ids=["first", "later", "long"])
def test_whoever_retries_is_served_first_and_what_is_patient_stays_so(order: EncodeChunk) -> None:
    assert order.urgency(Priority.HIGH) is Priority.HIGH
    assert order.urgency(Priority.LOW) is Priority.LOW


@pytest.mark.parametrize("cause", list(Priority))
def test_other_messages_are_as_urgent_as_what_caused_them(cause: Priority) -> None:
    assert VideoReady(video_id=UUID(int=1)).urgency(cause) is cause
