import asyncio
import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actors.encoder import Encoder
from actors.engines.cmaf.segment_encryption import encrypted
from actors.engines.cmaf.stitching import stitched
from actors.engines.cmaf.track import INIT_NAME, Track, segment_name
from actors.engines.encoding.encode import EncodedFrames
from actors.engines.errors import (
    BadMedia,
    JobFailed,
    JobKilled,
    JobSpent,
    JobTimeout,
    Refusal,
    SandboxDown,
)
from actors.engines.ladder.passes import AT_ONCE, BEGUN, ENCODED, orders_of
from storage.errors import (
    MasterKeyUnknownError,
    StorageUnavailableError,
    VaultMissingError,
    VideoGoneError,
)
from storage.keys import rendition_key
from storage.records import LOCAL_USER_ID
from storage.sealing import Vault
from storage.segment_keys import SegmentKeys
from storage.workspace import Workspace
from subjects.codec import seal
from subjects.media import Rung
from subjects.message import Priority
from subjects.video import VideoDeleted
from subjects.work import PackageDue
from tests.encoded import KEY, METADATA, PLAN, RUNGS, segments
from tests.unit.actors.conftest import VIDEO, Reports

ORDERS = orders_of(VIDEO, PLAN, METADATA, 0)
OLD, NEW = b"o" * 32, b"n" * 32
NAME = Vault((OLD,)).newest_name.hex()


class Engine:
    """Writes small files in place of segments, or raises."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.asked: list[int] = []
        self.told: list[tuple[str, int, str, tuple[str, ...]]] = []

    async def encode(
        self,
        path: Path,
        metadata: Any,
        timeline: Any,
        rungs: tuple[Rung, ...],
        *,
        first_frame: int,
        frames: int,
        out_dir: Path,
        preset: str,
        threads: int,
        shown: str,
        on_progress: Any,
    ) -> EncodedFrames:
        self.asked.append(first_frame)
        self.told.append((preset, threads, shown, tuple(rung.name for rung in rungs)))
        if self.trouble:
            raise self.trouble
        await on_progress(0.5, "encoding")
        return EncodedFrames(tracks=tuple(written(rung, first_frame, frames, out_dir) for rung in rungs))


def written(rung: Rung, first_frame: int, frames: int, out_dir: Path) -> Track:
    folder, pieces = out_dir / rung.name, segments(first_frame, frames)
    folder.mkdir()
    for name in (INIT_NAME, *(segment_name(piece.time) for piece in pieces)):
        (folder / name).write_text(f"{rung.name} {name}")
    return Track(
        rendition=rung.name, codecs="avc1.64001f", timescale=30, init_sha256="ab" * 32, segments=pieces
    )


@pytest.fixture
async def stored(objects: Any, storage: Any) -> Any:
    await objects.put(KEY, b"abc")
    await storage.renditions.plan(VIDEO, PLAN)
    return objects


def encoder(engine: Any, storage: Any, objects: Any, scratch: Path) -> Encoder:
    return Encoder(
        engine, objects, storage.videos, storage.renditions, Workspace(objects, scratch, kept_bytes=0)
    )


async def test_the_segments_of_every_rung_are_stored_under_their_times(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    assert await encoder(Engine(), storage, stored, tmp_path).handle(ORDERS[1], reports.ctx) == ()
    names = [f"init-{'ab' * 8}.mp4", "480.m4s", "600.m4s", "720.m4s", "840.m4s"]
    wanted = {rendition_key(VIDEO, rung.name, name) for rung in RUNGS for name in names}
    assert {key for key in stored.objects if key != KEY} == wanted
    (chunk,) = await storage.renditions.find_chunks(VIDEO)
    assert (chunk.chunk, [track.rendition for track in chunk.tracks]) == (1, [rung.name for rung in RUNGS])
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - of three names


async def test_whoever_makes_the_last_chunk_asks_for_the_playlists_and_nobody_else(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    engine = Engine()
    actor = encoder(engine, storage, stored, tmp_path)
    order = (ORDERS[2], ORDERS[0], ORDERS[1])
    said = [await actor.handle(one, reports.ctx) for one in order]
    assert said == [(), (), (PackageDue(video_id=VIDEO),)]
    assert [await actor.handle(one, reports.ctx) for one in order] == said, "a redelivery says the same"
    assert len(engine.asked) == 3, "and encodes nothing again"


async def test_a_chunk_of_a_long_video_is_followed_by_the_one_after_those_that_wait(
    storage: Any, objects: Any, reports: Reports, tmp_path: Path
) -> None:
    await objects.put(KEY, b"abc")
    plan = replace(PLAN, timeline=replace(PLAN.timeline, frames=480 * (AT_ONCE + 2)))
    await storage.renditions.plan(VIDEO, plan)
    orders = orders_of(VIDEO, plan, METADATA, 0)
    actor = encoder(Engine(), storage, objects, tmp_path)
    said = [order for one in orders for order in await actor.handle(one, reports.ctx)]
    assert [order.chunk for order in said] == [AT_ONCE, AT_ONCE + 1]
    assert [await actor.handle(one, reports.ctx) for one in said] == [(), (PackageDue(video_id=VIDEO),)]


async def test_progress_counts_what_others_have_made(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    actor = encoder(Engine(), storage, stored, tmp_path)
    await actor.handle(ORDERS[0], Reports().ctx)
    await actor.handle(ORDERS[2], reports.ctx)
    assert reports.fractions[0] == pytest.approx(BEGUN + (ENCODED - BEGUN) / 3)


async def test_a_pass_of_which_a_chunk_cannot_be_made_is_ended_without_further_work(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    engine = Engine(BadMedia(Refusal.NO_FRAMES))
    actor = encoder(engine, storage, stored, tmp_path)
    said = [await actor.handle(one, reports.ctx) for one in ORDERS]
    assert said == [(), (), (PackageDue(video_id=VIDEO),)]
    assert len(engine.asked) == 1
    assert [one.tracks for one in await storage.renditions.find_chunks(VIDEO)] == [(), (), ()]


DEATHS = [JobKilled("memory"), JobTimeout("silent"), JobSpent("5 s"), JobFailed("ours"), JobKilled("SIGKILL")]


@pytest.mark.parametrize("death", DEATHS, ids=str)
async def test_a_chunk_whose_encoder_always_dies_is_given_up_at_the_last_attempt_with_a_warning(
    storage: Any, stored: Any, tmp_path: Path, death: Exception
) -> None:
    actor = encoder(Engine(death), storage, stored, tmp_path)
    for attempt in range(1, Encoder.delivery.max_deliver):
        with pytest.raises(type(death)):
            await actor.handle(ORDERS[0], Reports(attempt).ctx)
        assert await storage.renditions.recorded_chunks(VIDEO) == {}
        assert (await storage.videos.load(VIDEO)).warnings == ()
    await actor.handle(ORDERS[0], Reports(Encoder.delivery.max_deliver).ctx)
    assert await storage.renditions.recorded_chunks(VIDEO) == {0: False}
    (warning,) = (await storage.videos.load(VIDEO)).warnings
    assert (warning.stage, warning.code) == ("transcoder", "rendition_missing")


async def test_a_sandbox_that_is_down_is_no_fault_of_the_chunk(
    storage: Any, stored: Any, tmp_path: Path
) -> None:
    actor = encoder(Engine(SandboxDown()), storage, stored, tmp_path)
    with pytest.raises(SandboxDown):
        await actor.handle(ORDERS[0], Reports(Encoder.delivery.max_deliver).ctx)
    assert await storage.renditions.recorded_chunks(VIDEO) == {}


async def test_a_chunk_is_encoded_as_planned_whatever_the_settings_are_by_now(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    engine = Engine()
    orders = orders_of(VIDEO, replace(PLAN, preset="slow", threads=3), METADATA, 0)
    await encoder(engine, storage, stored, tmp_path).handle(orders[0], reports.ctx)
    assert engine.told == [("slow", 3, "source", tuple(rung.name for rung in RUNGS))]


async def test_a_slower_encoder_overwrites_nothing_of_what_is_recorded(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    class Overtaken(Engine):
        async def encode(self, *given: Any, **named: Any) -> EncodedFrames:
            await encoder(Engine(), storage, stored, tmp_path).handle(ORDERS[0], Reports().ctx)
            before.update(stored.objects)
            made = await super().encode(*given, **named)
            for path in named["out_dir"].rglob("*.m4s"):
                path.write_text("other bytes")
            return made

    before: dict[str, bytes] = {}
    await encoder(Overtaken(), storage, stored, tmp_path).handle(ORDERS[0], reports.ctx)
    assert stored.objects == before
    assert await storage.renditions.recorded_chunks(VIDEO) == {0: True}


async def test_progress_tells_of_each_rendition(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    await storage.renditions.plan(VIDEO, replace(PLAN, rungs=(replace(RUNGS[0], name="top"),)), 1)
    actor = encoder(Engine(), storage, stored, tmp_path)
    await actor.handle(ORDERS[0], Reports().ctx)
    await actor.handle(ORDERS[2], reports.ctx)
    assert reports.renditions[0] == {"720p-h264": 0.333, "360p-h264": 0.333, "top": 0.0}


async def test_encoding_ends_soon_after_its_video_is_deleted_however_silent_it_is(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    class Endless(Engine):
        async def encode(self, *_: Any, out_dir: Path, **__: Any) -> EncodedFrames:
            try:
                await deleted(storage)
                await asyncio.Event().wait()
                raise AssertionError("it is never set")
            finally:
                (out_dir / "written at the last moment").touch()
                ended.set()

    ended = asyncio.Event()
    actor = dataclasses.replace(encoder(Endless(), storage, stored, tmp_path), look_seconds=0.01)
    async with asyncio.timeout(5):
        with pytest.raises(VideoGoneError):
            await actor.handle(ORDERS[0], reports.ctx)
    assert ended.is_set()
    assert stored.objects == {}
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - of three names


async def test_whether_the_video_is_there_may_be_unknown_for_a_while(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    class Videos:
        def __init__(self) -> None:
            self.asked = 0
            self.often = asyncio.Event()

        async def load(self, video_id: Any) -> Any:
            self.asked += 1
            if self.asked > 3:
                self.often.set()
            if self.asked > 1:
                raise StorageUnavailableError("restarting")
            return await storage.videos.load(video_id)

    class Patient(Engine):
        async def encode(self, *given: Any, **named: Any) -> EncodedFrames:
            await videos.often.wait()
            return await super().encode(*given, **named)

    videos: Any = Videos()
    actor = dataclasses.replace(
        encoder(Patient(), storage, stored, tmp_path), videos=videos, look_seconds=0.01
    )
    async with asyncio.timeout(5):
        await actor.handle(ORDERS[0], reports.ctx)
    assert reports.extended >= 3
    assert await storage.renditions.recorded_chunks(VIDEO) == {0: True}


async def test_a_deleted_video_is_not_encoded(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    await deleted(storage)
    engine = Engine()
    with pytest.raises(VideoGoneError):
        await encoder(engine, storage, stored, tmp_path).handle(ORDERS[0], reports.ctx)
    assert engine.asked == []
    assert stored.objects == {}


async def test_nothing_is_left_of_a_video_deleted_while_it_was_encoded(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    class Deleting(Engine):
        async def encode(self, *given: Any, **named: Any) -> EncodedFrames:
            await deleted(storage)
            return await super().encode(*given, **named)

    with pytest.raises(VideoGoneError):
        await encoder(Deleting(), storage, stored, tmp_path).handle(ORDERS[0], reports.ctx)
    assert stored.objects == {}


async def deleted(storage: Any) -> None:
    farewell = seal(VideoDeleted(video_id=VIDEO), message_id="d", priority=Priority.NORMAL)
    await storage.videos.remove(VIDEO, LOCAL_USER_ID, farewell)


def encrypting(engine: Any, storage: Any, objects: Any, scratch: Path, *masters: bytes) -> Encoder:
    """One that has these master keys, whether or not new videos are to be encrypted."""
    return dataclasses.replace(
        encoder(engine, storage, objects, scratch), segment_keys=SegmentKeys(Vault(masters))
    )


@pytest.fixture
async def sealed(objects: Any, storage: Any) -> Any:
    await objects.put(KEY, b"abc")
    await storage.renditions.plan(VIDEO, replace(PLAN, segment_key_name=NAME))
    return objects


async def test_every_chunk_is_encrypted_as_planned_though_keys_rotate_between_them(
    storage: Any, sealed: Any, reports: Reports, tmp_path: Path
) -> None:
    rotating = [(OLD,), (NEW, OLD), (NEW, OLD)]
    for order, masters in zip(ORDERS, rotating, strict=True):
        await encrypting(Engine(), storage, sealed, tmp_path, *masters).handle(order, reports.ctx)
    chunks = await storage.renditions.find_chunks(VIDEO)
    for made in stitched(PLAN, chunks):
        key = SegmentKeys(Vault((OLD,))).key(NAME, VIDEO, made.name)
        assert made.key_name == NAME
        for number, segment in enumerate(made.segments):
            lying = await sealed.get(rendition_key(VIDEO, made.name, segment_name(segment.time), NAME))
            assert lying == encrypted(f"{made.name} {segment.time}.m4s".encode(), key, number)
            assert len(lying) == segment.size_bytes


async def test_a_chunk_waits_for_a_replica_that_has_its_key(
    storage: Any, sealed: Any, reports: Reports, tmp_path: Path
) -> None:
    with pytest.raises(MasterKeyUnknownError):
        await encrypting(Engine(), storage, sealed, tmp_path, NEW).handle(ORDERS[0], reports.ctx)
    with pytest.raises(VaultMissingError):
        await encoder(Engine(), storage, sealed, tmp_path).handle(ORDERS[0], reports.ctx)
    assert [*sealed.objects] == [KEY]
    assert await storage.renditions.recorded_chunks(VIDEO) == {}
