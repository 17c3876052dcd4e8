"""The order of a hand-over, seen from outside: what is written, said and answered, and when."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from actors.core import patience
from actors.core.dead_letters import Graveyard
from actors.core.errors import Reject, Retry
from actors.core.runner import Runner, stage_outcome
from storage.errors import StorageUnavailableError, VideoGoneError
from subjects.bus import BusUnavailableError, Receipt, Stored
from subjects.codec import MESSAGE_ID, Envelope, open_message, seal
from subjects.dead_letters import REASON
from subjects.message import Message, Priority
from subjects.stage import StageProgressed, StageSkipped
from subjects.video import VideoTranscoded
from tests.toy_actors import Toy, probed, uploaded

VIDEO = UUID(int=1)
TRACE = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"


class Diary:
    """The bus, the stages and the delivery at once: writes down everything in order."""

    stream = "EVENTS"
    waiting = 0
    extra = False

    def __init__(self, attempt: int = 1) -> None:
        self.attempt = attempt
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.envelopes: list[Envelope] = []
        self.outages = 0
        self.keeps = True
        envelope = seal(uploaded(1), message_id="cause", priority=Priority.HIGH, trace=TRACE)
        now = datetime(2026, 1, 1, tzinfo=UTC)
        self.stored = Stored(envelope.subject, envelope.headers, envelope.body, 7, now)

    async def publish(self, envelope: Envelope) -> Receipt:
        if self.outages:
            self.outages -= 1
            self.lines.append("outage")
            raise BusUnavailableError("gone for a moment")
        self.lines.append(f"publish {'.'.join(envelope.subject.split('.')[:3])}")
        self.envelopes.append(envelope)
        return Receipt("EVENTS", 8, duplicate=False)

    async def settle(self, video_id: UUID, stage: str, state: str, attempt: int, error: str | None) -> bool:
        self.lines.append(f"settle {stage} {state}")
        self.errors.append(error or "")
        return self.keeps

    async def ack(self) -> None:
        self.lines.append("ack")

    async def nak(self, delay_seconds: float) -> None:
        self.lines.append("nak")

    async def terminate(self, reason: str) -> None:
        self.lines.append(f"terminate {reason}")

    async def extend(self) -> None:
        return None


async def carried(diary: Diary, does: Any) -> list[str]:
    await Runner(Toy(does), diary, diary, Graveyard(diary, diary)).carry(diary)  # type: ignore[arg-type]
    return diary.lines


def saying(*outputs: Message) -> Any:
    async def does(_event: Any, _ctx: Any) -> tuple[Message, ...]:
        return outputs

    return does


def failing(*errors: Exception) -> Any:
    left = list(errors)

    async def does(_event: Any, _ctx: Any) -> tuple[Message, ...]:
        if left:
            raise left.pop(0)
        return (probed(VIDEO),)

    return does


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LONGEST_PAUSE_SECONDS", 0.0)


async def test_the_row_is_written_before_the_news_and_the_news_is_kept_before_the_ack() -> None:
    assert await carried(Diary(), saying(probed(VIDEO))) == [
        "settle prober done",
        "publish video.probed.high",
        "ack",
    ]


async def test_outputs_carry_the_class_the_trace_and_an_id_of_their_cause() -> None:
    first, second = Diary(), Diary(attempt=2)
    await carried(first, saying(probed(VIDEO)))
    await carried(second, saying(probed(VIDEO)))
    (one,), (other,) = first.envelopes, second.envelopes
    assert one.headers[MESSAGE_ID] == other.headers[MESSAGE_ID] != "cause"
    assert one.headers["traceparent"].split("-")[1] == "ab" * 16


async def test_two_outputs_of_one_message_have_two_ids() -> None:
    diary = Diary()
    await carried(diary, saying(probed(VIDEO), probed(VIDEO)))
    assert len({envelope.headers[MESSAGE_ID] for envelope in diary.envelopes}) == 2


async def test_a_dead_letter_is_kept_before_its_message_is_terminated() -> None:
    assert await carried(Diary(), failing(Reject("bad", "so it is"))) == [
        "publish dead.prober.high",
        "settle prober failed",
        "publish video.failed.high",
        "terminate bad",
    ]


async def test_the_text_of_an_exception_is_for_operators_and_not_for_clients() -> None:
    diary = Diary(attempt=5)
    await carried(diary, failing(OSError("/srv/secret is full")))
    letter, news = diary.envelopes
    assert "/srv/secret" in letter.headers[REASON]
    assert b"/srv/secret" not in news.body
    assert "/srv/secret" not in "".join(diary.errors)


async def test_nobody_is_told_of_the_failure_of_what_was_done_after_all() -> None:
    diary = Diary()
    diary.keeps = False
    assert "publish video.failed.high" not in await carried(diary, failing(Reject("bad", "so it is")))


async def test_an_outage_of_storage_costs_no_delivery() -> None:
    outage = [StorageUnavailableError("away")] * 5
    assert (await carried(Diary(attempt=3), failing(*outage)))[-1] == "ack"


async def test_an_outage_of_the_bus_costs_no_delivery_and_says_the_same_again() -> None:
    diary = Diary(attempt=3)
    diary.outages = 3
    lines = await carried(diary, saying(probed(VIDEO)))
    assert lines.count("outage") == 3
    assert lines[-2:] == ["publish video.probed.high", "ack"]


async def test_any_other_error_costs_one() -> None:
    assert await carried(Diary(), failing(ValueError("odd"))) == ["nak"]
    assert await carried(Diary(), failing(Retry(3.0, "later"))) == ["nak"]


async def test_work_for_a_video_that_is_gone_is_acknowledged_in_silence() -> None:
    assert await carried(Diary(), failing(VideoGoneError(VIDEO))) == ["ack"]


def test_a_stage_is_settled_by_its_own_outputs_only() -> None:
    mine = StageSkipped(video_id=VIDEO, stage="prober", reason="why", detail="so")
    assert stage_outcome("prober", [mine]) == ("skipped", "why: so")
    assert stage_outcome("thumbnailer", [mine]) is None
    assert stage_outcome("prober", [probed(VIDEO)]) == ("done", None)
    assert stage_outcome("finisher", [probed(VIDEO)]) is None


def test_a_hand_of_a_stage_settles_that_stage() -> None:
    end = VideoTranscoded(video_id=VIDEO, hls_key="videos/1/master.m3u8", renditions=())
    given_up = StageSkipped(video_id=VIDEO, stage="transcoder", reason="damaged", detail="so")
    assert stage_outcome("packager", [end]) == ("done", None)
    assert stage_outcome("packager", [given_up]) == ("skipped", "damaged: so")
    assert stage_outcome("thumbnailer", [end]) is None


class Hand(Toy):
    """One that does a part of another's stage."""

    name = "encoder"


@pytest.mark.parametrize(("kind", "stage", "attempt"), [(Toy, Toy.name, 3), (Hand, "transcoder", 1)])
async def test_progress_tells_of_each_rendition_and_of_attempts_at_the_whole_stage(
    kind: type[Toy], stage: str, attempt: int
) -> None:
    async def does(_: Any, ctx: Any) -> tuple[Message, ...]:
        await ctx.progress(0.5, "half", {"720p-h264": 0.25})
        return ()

    diary = Diary(attempt=3)
    await Runner(kind(does), diary, diary, Graveyard(diary, diary)).carry(diary)  # type: ignore[arg-type]
    (envelope,) = diary.envelopes
    said = open_message(envelope.subject, envelope.headers, envelope.body)
    assert said == StageProgressed(
        video_id=VIDEO,
        stage=stage,
        attempt=attempt,
        fraction=0.5,
        note="half",
        renditions={"720p-h264": 0.25},
    )
