"""One client's stream: nothing is missed, nothing is told twice, whatever happens in between."""

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.event_stream import SILENT_SECONDS, EventStream, Seats
from gateway.event_text import HEARTBEAT, RECONNECT, RETRY
from gateway.events import EVENTS, INBOX_FRAMES, Hub, video_patterns
from gateway.problems import ProblemError
from subjects.bus import BusUnavailableError
from subjects.codec import Envelope, seal
from subjects.matching import covers_any
from subjects.media import Frame, Metadata, Picture, Storyboard
from subjects.memory import MemoryBus
from subjects.message import Priority
from subjects.registry import SUBJECTS
from subjects.stage import StageProgressed, StageSkipped
from subjects.upload import UploadCompleted
from subjects.video import VideoDeleted, VideoFailed, VideoProbed, VideoReady, VideoThumbnailed

VIDEO, OTHER = UUID("01990000-0000-7000-8000-00000000000a"), UUID("01990000-0000-7000-8000-00000000000b")


def event(text):
    """The fields of one event; None for a comment or a bare retry."""
    lines = [line.partition(": ") for line in text.decode().strip().split("\n")]
    fields = {name: value for name, _, value in lines if name}
    return fields if "data" in fields else None


class SlowBus(MemoryBus):
    """A bus on which more is said while the past is read back, and whose tail lags behind.

    `during`: how much is said after each message of the past; `seen`: whether the past then includes it.
    """

    def __init__(self, during, seen, lag):
        super().__init__()
        self.during, self.seen, self.lag = deque(during), seen, lag
        self.number = 0

    async def say(self, count):
        for _ in range(count):
            self.number += 1
            said = StageSkipped(video_id=VIDEO, stage="captioner", reason="no_audio", detail=str(self.number))
            noise = seal(VideoReady(video_id=OTHER), message_id=f"n{self.number}", priority=Priority.NORMAL)
            await self.publish(noise)
            await self.publish(seal(said, message_id=f"m{self.number}", priority=Priority.NORMAL))

    async def history(self, stream, patterns, after=0):
        async for stored in super().history(stream, patterns, after):
            after = stored.sequence
            yield stored
            await asyncio.sleep(0)
            await self.say(self.during.popleft() if self.during else 0)
        if self.seen:
            for stored in self.streams[stream].matching(patterns, after):
                yield stored

    @asynccontextmanager
    async def tail(self, stream, patterns):
        async with super().tail(stream, patterns) as messages:

            async def lagging():
                waiting = deque()
                async for stored in messages:
                    waiting.append(stored)
                    while len(waiting) > self.lag:
                        yield waiting.popleft()

            yield lagging()


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


async def told_ids(before, known, in_snapshot, during, seen, after, lag):
    bus = SlowBus(during, seen, lag)
    hub = Hub(bus)
    following = asyncio.create_task(hub.run())
    await hub.live.wait()
    await bus.say(before)
    own = [s.sequence for s in bus.streams[EVENTS].messages.values() if str(VIDEO) in s.subject]
    last = own[known - 1] if known else 0

    async def snapshot():
        await bus.say(in_snapshot)

    stream = EventStream(hub, VIDEO, snapshot, last)
    told = []

    async def read():
        parted = [event(text) async for text in stream.parts(Seats(1).take())]
        told.extend(int(fields["id"]) for fields in parted if fields is not None)

    reading = asyncio.create_task(read())
    await settle()
    bus.lag = 0
    await bus.say(after + 1)
    await settle()
    hub.drain()
    await reading
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    expected = [
        s.sequence
        for s in bus.streams[EVENTS].messages.values()
        if str(VIDEO) in s.subject and s.sequence > last
    ]
    return told, expected


@settings(max_examples=150, deadline=None)
@given(
    before=st.integers(0, 5),
    known=st.integers(0, 5),
    in_snapshot=st.integers(0, 3),
    during=st.lists(st.integers(0, 3), max_size=4),
    seen=st.booleans(),
    after=st.integers(0, 4),
    lag=st.integers(0, 6),
)
def test_a_client_that_comes_back_is_told_everything_once_in_order(before, known, **moments):
    told, expected = asyncio.run(told_ids(before, min(known, before), **moments))
    assert told == expected


async def parts(stream, count):
    """The first parts of a stream, which is then left."""
    found = []
    generator = stream.parts(Seats(1).take())
    async for text in generator:
        found.append(text)
        if len(found) == count:
            break
    await generator.aclose()
    return found


@pytest.fixture
async def hub():
    made = Hub(MemoryBus())
    task = asyncio.create_task(made.run())
    await made.live.wait()
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def say(hub, message, name="m"):
    await hub.bus.publish(seal(message, message_id=name, priority=Priority.NORMAL))


async def nothing():
    pass


async def test_a_stream_begins_with_where_the_video_stands(hub):
    async def snapshot():
        return {"id": "x"}

    retry, first = await parts(EventStream(hub, VIDEO, snapshot), 2)
    assert retry == RETRY
    assert event(first) == {"event": "video", "data": '{"id":"x"}'}


async def test_a_new_client_is_told_nothing_old(hub):
    await say(hub, VideoReady(video_id=VIDEO))
    await settle()
    found = await parts(EventStream(hub, VIDEO, nothing, heartbeat_seconds=0.01), 2)
    assert found == [RETRY, HEARTBEAT]


async def test_a_silent_stream_asks_little_and_ends_when_its_video_is_hidden(hub):
    asked, answers = [], deque([True, True, False])

    async def goes_on(since):
        asked.append(since)
        return answers.popleft()

    stream = EventStream(hub, VIDEO, nothing, None, goes_on, heartbeat_seconds=0.01, clock=lambda: 100.0)
    assert await parts(stream, 9) == [RETRY, HEARTBEAT, HEARTBEAT, RECONNECT]
    assert asked == [100.0 - SILENT_SECONDS] * 3


async def test_progress_is_told_without_an_id(hub):
    stream = EventStream(hub, VIDEO, nothing)
    reading = asyncio.create_task(parts(stream, 2))
    await settle()
    await say(hub, StageProgressed(video_id=VIDEO, stage="prober", attempt=2, fraction=0.5, note="half"))
    fields = event((await reading)[1])
    data = json.loads(fields["data"])
    assert "id" not in fields
    assert fields["event"] == data["type"] == "stage.progressed"
    assert (data["stage"], data["state"], data["fraction"], data["attempt"]) == ("prober", "running", 0.5, 2)


def progressed(fraction, attempt=1, **renditions):
    return StageProgressed(
        video_id=VIDEO, stage="transcoder", attempt=attempt, fraction=fraction, renditions=renditions
    )


async def told_progress(hub, *messages):
    """The fractions, and those of renditions, that a client hears of."""
    reading = asyncio.create_task(parts(EventStream(hub, VIDEO, nothing), 1 + len(messages)))
    await settle()
    for number, message in enumerate(messages):
        await say(hub, message, f"m{number}")
        await settle()  # of two that come at once only the later is kept
    told = [event(text) for text in (await reading)[1:]]
    data = [json.loads(one["data"]) for one in told if one["event"] == "stage.progressed"]
    return [(one["fraction"], one["renditions"]) for one in data]


async def test_progress_of_several_that_work_on_one_stage_never_goes_back(hub):
    told = await told_progress(
        hub, progressed(0.3, a=1.0, b=0.2), progressed(0.1, a=0.5, c=0.1), progressed(0.4, b=0.3)
    )
    assert told == [
        (0.3, {"a": 1.0, "b": 0.2}),
        (0.3, {"a": 1.0, "b": 0.2, "c": 0.1}),
        (0.4, {"a": 1.0, "b": 0.3, "c": 0.1}),
    ]
    assert hub.progress(VIDEO)["transcoder"].fraction == 0.4


async def test_another_attempt_begins_anew_and_a_straggler_does_not_end_it(hub):
    told = await told_progress(
        hub, progressed(0.6, 1, a=0.9), progressed(0.1, 2, a=0.2), progressed(0.2, 1, a=0.3)
    )
    assert told == [(0.6, {"a": 0.9}), (0.1, {"a": 0.2}), (0.2, {"a": 0.3})]
    assert hub.progress(VIDEO)["transcoder"].attempt == 2


async def test_a_stage_that_failed_begins_anew_when_it_is_retried(hub):
    failed = VideoFailed(video_id=VIDEO, stage="transcoder", code="poison", detail="x")
    assert await told_progress(hub, progressed(0.6), failed, progressed(0.1)) == [(0.6, {}), (0.1, {})]


async def test_a_stream_ends_when_its_video_is_deleted(hub):
    reading = asyncio.create_task(parts(EventStream(hub, VIDEO, nothing), 99))
    await settle()
    await say(hub, VideoDeleted(video_id=VIDEO))
    assert event((await reading)[-1])["event"] == "video.deleted"


async def test_a_slow_client_is_sent_away_to_come_back(hub):
    with hub.listening(VIDEO) as inbox:
        for number in range(INBOX_FRAMES + 5):
            await say(hub, StageSkipped(video_id=VIDEO, stage="s", reason="r", detail=""), f"m{number}")
        await settle()
        assert inbox.closed
        assert inbox.frames.qsize() == INBOX_FRAMES + 1


async def test_a_drain_ends_every_stream_and_says_so(hub):
    reading = asyncio.create_task(parts(EventStream(hub, VIDEO, nothing), 99))
    await settle()
    hub.drain()
    assert (await reading)[-1] == RECONNECT
    assert (await parts(EventStream(hub, VIDEO, nothing), 99))[-1] == RECONNECT
    assert hub.listeners == 0


async def test_a_stream_ends_after_its_longest_time(hub):
    assert (await parts(EventStream(hub, VIDEO, nothing, longest_seconds=0.0), 99)) == [RETRY, RECONNECT]


async def test_a_broken_line_sends_everybody_away_and_is_opened_again():
    class Breaking(MemoryBus):
        breaks = 1

        @asynccontextmanager
        async def tail(self, stream, patterns):
            async with super().tail(stream, patterns) as messages:
                if stream == EVENTS and self.breaks:
                    self.breaks -= 1

                    async def broken():
                        await cut.wait()
                        raise BusUnavailableError("cut")
                        yield

                    yield broken()
                else:
                    yield messages

    cut, hub = asyncio.Event(), Hub(Breaking(), retry_seconds=0.01)
    task = asyncio.create_task(hub.run())
    await hub.live.wait()
    reading = asyncio.create_task(parts(EventStream(hub, VIDEO, nothing), 99))
    await settle()
    cut.set()
    assert (await reading)[-1] == RECONNECT
    assert not hub.live.is_set()
    await hub.live.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_past_that_cannot_be_read_sends_the_client_away():
    class Forgetful(MemoryBus):
        async def history(self, *_, **__):
            raise BusUnavailableError("no answer")
            yield

    assert (await parts(EventStream(Hub(Forgetful()), VIDEO, nothing, 0), 99)) == [RETRY, RECONNECT]


METADATA = Metadata(
    duration_seconds=1.0,
    format="mp4",
    size_bytes=1,
    width_px=1,
    height_px=1,
    fps=1.0,
    codec="h264",
    bitrate_bps=1,
)
PICTURE = Picture(key="secret", content_type="image/jpeg", width_px=1, height_px=1)


@pytest.mark.parametrize(
    "message",
    [
        VideoProbed(video_id=VIDEO, key="secret", sha256="0", metadata=METADATA),
        UploadCompleted(
            video_id=VIDEO, upload_id=OTHER, segment_keys=("secret",), size_bytes=1, content_type="video/mp4",
            completed_at="2026-01-01T00:00:00Z",
        ),
        VideoThumbnailed(
            video_id=VIDEO, posters=(PICTURE,), preview=PICTURE,
            frames=(Frame(key="secret", at_seconds=0, score=1),),
            storyboard=Storyboard(
                vtt_key="secret", sheet_keys=("secret",), tile_width_px=1, tile_height_px=1,
                interval_seconds=1,
            ),
        ),
    ],
)  # fmt: skip
async def test_no_object_key_is_told(hub, message):
    await say(hub, message)
    text = (await parts(EventStream(hub, VIDEO, nothing, 0), 2))[1]
    assert b"secret" not in text
    assert event(text)["id"] == "1"


async def test_a_seat_is_free_again_once_its_stream_is_left_or_never_begun(hub):
    seats = Seats(1)
    generator = EventStream(hub, VIDEO, nothing).parts(seats.take())
    with pytest.raises(ProblemError, match="overloaded"):
        seats.take()
    del generator
    begun = EventStream(hub, VIDEO, nothing).parts(seats.take())
    await anext(begun)
    await begun.aclose()
    del begun
    seats.take()


async def test_an_id_that_was_never_given_hides_nothing_that_comes(hub):
    await say(hub, VideoReady(video_id=VIDEO), "old")
    reading = asyncio.create_task(parts(EventStream(hub, VIDEO, nothing, 2**63 - 1), 2))
    await settle()
    await say(hub, VideoReady(video_id=VIDEO), "new")
    async with asyncio.timeout(5.0):
        assert event((await reading)[1])["id"] == "2"


async def test_what_cannot_be_read_in_the_past_is_left_out(hub):
    await hub.bus.publish(Envelope(f"video.invented.normal.{VIDEO}", b"{}"))
    await say(hub, VideoReady(video_id=VIDEO))
    found = await parts(EventStream(hub, VIDEO, nothing, 0), 2)
    assert event(found[1])["event"] == "video.ready"


@pytest.mark.parametrize("subject", [one for one in SUBJECTS if one.stream == EVENTS], ids=str)
def test_the_filters_of_a_video_match_all_that_is_said_of_it(subject):
    assert covers_any(video_patterns(VIDEO), subject.pattern(video_id=VIDEO))
    assert not covers_any(video_patterns(VIDEO), subject.pattern(video_id=OTHER))
