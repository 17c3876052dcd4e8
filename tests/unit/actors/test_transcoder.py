import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.engines.cmaf.remux import Remuxed
from actors.engines.cmaf.segment_encryption import encrypted
from actors.engines.cmaf.track import INIT_NAME, Track, segment_name
from actors.engines.errors import BadMedia, Refusal
from actors.engines.ladder.ladder import Ladder
from actors.engines.ladder.preparation import Prepared
from actors.engines.sound.audio import Sound
from actors.engines.sound.facts import SoundFacts
from actors.transcoder import Effort, Transcoder
from storage.errors import VideoGoneError
from storage.keys import rendition_key
from storage.records import LOCAL_USER_ID
from storage.sealing import Vault
from storage.segment_keys import SegmentKeys
from storage.workspace import Workspace
from subjects.codec import seal
from subjects.message import Priority
from subjects.stage import StageSkipped
from subjects.video import VideoDeleted, VideoProbed
from subjects.work import EncodeChunk, PackageDue
from tests.encoded import KEY, METADATA, RUNGS, TIMELINE, segments
from tests.unit.actors.conftest import VIDEO, Reports

EVENT = VideoProbed(video_id=VIDEO, key=KEY, sha256="a" * 64, metadata=METADATA)
HIGH, LOW = RUNGS
OLD, NEW = b"o" * 32, b"n" * 32


def written(name: str, out_dir: Path) -> Track:
    folder, pieces = out_dir / name, segments(0, TIMELINE.frames)
    folder.mkdir()
    for file in (INIT_NAME, *(segment_name(piece.time) for piece in pieces)):
        (folder / file).write_text(f"{name} {file}")
    return Track(rendition=name, codecs="mp4a.40.2", timescale=30, init_sha256="ab" * 32, segments=pieces)


def heard(name: str, out_dir: Path, **told: str) -> Sound:
    facts = SoundFacts(index=1, rendition=name, **told)
    return Sound(facts=facts, track=written(name, out_dir))


def untouched(out_dir: Path) -> Prepared:
    """A source that plays as it is, its sound, too."""
    source = Remuxed(video=written("original", out_dir))
    ladder = Ladder(timeline=TIMELINE, touched=None, rungs=(LOW,), first=None)
    return Prepared(ladder=ladder, source=source, sounds=(heard("audio-original", out_dir),))


def touched(out_dir: Path) -> Prepared:
    """A source that must be encoded, with its sound."""
    ladder = Ladder(timeline=TIMELINE, touched="it is HEVC", rungs=RUNGS, first=LOW)
    return Prepared(ladder=ladder, sounds=(heard("audio-aac", out_dir, language="de", label="Deutsch"),))


class Engine:
    """Prepares by a recipe, or raises."""

    def __init__(self, recipe: Callable[[Path], Prepared], trouble: Exception | None = None) -> None:
        self.recipe, self.trouble = recipe, trouble
        self.asked = 0

    async def prepare(
        self, path: Path, metadata: Any, out_dir: Path, attempt: int, on_progress: Any
    ) -> Prepared:
        self.asked += 1
        await on_progress(1.0, "looking")
        if self.trouble:
            raise self.trouble
        return self.recipe(out_dir)


@pytest.fixture
async def stored(objects: Any) -> Any:
    await objects.put(KEY, b"abc")
    return objects


def transcoder(engine: Any, storage: Any, objects: Any, scratch: Path) -> Transcoder:
    return Transcoder(
        engine, objects, storage.videos, storage.renditions, Workspace(objects, scratch, kept_bytes=0)
    )


async def test_a_source_that_plays_is_stored_as_it_is_and_packaged_first(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    actor = transcoder(Engine(untouched), storage, stored, tmp_path)
    assert await actor.handle(EVENT, reports.ctx) == (PackageDue(video_id=VIDEO),)
    known = await storage.renditions.find(VIDEO)
    assert [(one.name, one.kind) for one in known.renditions] == [
        ("audio-original", "audio"),
        ("original", "video"),
    ]
    assert await stored.get(rendition_key(VIDEO, "original", "0.m4s")) == b"original 0.m4s"
    assert (await storage.renditions.find_plan(VIDEO)).rungs == ()
    assert (await storage.renditions.find_plan(VIDEO, 1)).rungs == (LOW,)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - of three names


async def test_any_other_source_gets_its_quickest_rung_before_the_rest(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    actor = transcoder(Engine(touched), storage, stored, tmp_path)
    orders = await actor.handle(EVENT, reports.ctx)
    assert all(isinstance(one, EncodeChunk) and one.rungs == (LOW,) for one in orders)
    assert len(orders) == TIMELINE.chunks
    assert (await storage.renditions.find_plan(VIDEO, 1)).rungs == (HIGH,)
    (sound,) = (await storage.renditions.find(VIDEO)).renditions
    assert (sound.name, sound.sample_rate_hz, sound.channels) == ("audio-aac", 48_000, 2)
    assert (sound.language, sound.label, sound.default) == ("de", "Deutsch", True)


async def test_a_redelivery_answers_from_the_plan(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    engine = Engine(touched)
    actor = transcoder(engine, storage, stored, tmp_path)
    assert await actor.handle(EVENT, reports.ctx) == await actor.handle(EVENT, reports.ctx)
    assert engine.asked == 1


async def test_one_that_broke_off_before_the_first_plan_begins_again(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    class Breaking:
        def __getattr__(self, name: str) -> Any:
            return getattr(storage.renditions, name)

        async def plan_all(self, *_: Any) -> Any:
            raise ConnectionError

    engine = Engine(touched)
    with pytest.raises(ConnectionError):
        await Transcoder(
            engine, stored, storage.videos, Breaking(), Workspace(stored, tmp_path, kept_bytes=0)
        ).handle(EVENT, reports.ctx)
    assert await storage.renditions.find_plan(VIDEO, 1) is None, "no pass is planned without the first"
    orders = await transcoder(engine, storage, stored, tmp_path).handle(EVENT, reports.ctx)
    assert len(orders) == TIMELINE.chunks
    assert engine.asked == 2


async def test_how_much_is_put_into_encoding_is_planned_with_the_video(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    plain = transcoder(Engine(touched), storage, stored, tmp_path)
    actor = dataclasses.replace(plain, effort=Effort(preset="slow", threads=3))
    orders = await actor.handle(EVENT, reports.ctx)
    assert {(one.preset, one.threads) for one in orders if isinstance(one, EncodeChunk)} == {("slow", 3)}
    assert await plain.handle(EVENT, reports.ctx) == orders, "other settings change nothing of it"
    later = await storage.renditions.find_plan(VIDEO, 1)
    assert (later.preset, later.threads) == ("slow", 3)


async def test_a_clip_without_a_decodable_frame_is_skipped_and_can_still_be_downloaded(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    engine = Engine(touched, BadMedia(Refusal.NO_FRAMES))
    (said,) = await transcoder(engine, storage, stored, tmp_path).handle(EVENT, reports.ctx)
    assert isinstance(said, StageSkipped)
    assert (said.stage, said.reason) == ("transcoder", "no_frames")
    assert [*stored.objects] == [KEY]


async def test_nothing_is_left_of_a_video_deleted_while_it_was_prepared(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    class Deleting(Engine):
        async def prepare(self, *given: Any) -> Prepared:
            farewell = seal(VideoDeleted(video_id=VIDEO), message_id="d", priority=Priority.NORMAL)
            await storage.videos.remove(VIDEO, LOCAL_USER_ID, farewell)
            return await super().prepare(*given)

    with pytest.raises(VideoGoneError):
        await transcoder(Deleting(untouched), storage, stored, tmp_path).handle(EVENT, reports.ctx)
    assert stored.objects == {}


def encrypting(engine: Any, storage: Any, stored: Any, tmp_path: Path, *masters: bytes) -> Transcoder:
    """One whose newest master key is the first of these."""
    keys = SegmentKeys(Vault(masters), is_on=True)
    return dataclasses.replace(transcoder(engine, storage, stored, tmp_path), segment_keys=keys)


def name_of(master: bytes) -> str:
    return Vault((master,)).newest_name.hex()


async def test_segments_are_stored_encrypted_and_the_plans_say_by_which_key(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    name, key = name_of(OLD), SegmentKeys(Vault((OLD,))).key(name_of(OLD), VIDEO, "original")
    await encrypting(Engine(untouched), storage, stored, tmp_path, OLD).handle(EVENT, reports.ctx)
    for number, time in enumerate((0, 120, 240)):
        lying = await stored.get(rendition_key(VIDEO, "original", segment_name(time), name))
        assert lying == encrypted(f"original {time}.m4s".encode(), key, number)
    assert await stored.get(rendition_key(VIDEO, "original", INIT_NAME, name)) == b"original init.mp4"
    assert rendition_key(VIDEO, "original", "0.m4s") not in stored.objects
    known = (await storage.renditions.find(VIDEO)).renditions
    assert {one.key_name for one in known} == {name}
    plans = [await storage.renditions.find_plan(VIDEO, number) for number in (0, 1)]
    assert [plan.segment_key_name for plan in plans] == [name, name]


async def test_a_redelivery_under_a_newer_key_mixes_nothing_with_what_broke_off(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    """It broke off between its renditions and its plans; another replica, restarted meanwhile, goes on."""

    class Breaking:
        def __getattr__(self, name: str) -> Any:
            return getattr(storage.renditions, name)

        async def plan_all(self, *_: Any) -> Any:
            raise ConnectionError

    broken = encrypting(Engine(untouched), storage, stored, tmp_path, OLD)
    with pytest.raises(ConnectionError):
        await dataclasses.replace(broken, renditions=Breaking()).handle(EVENT, reports.ctx)
    before = dict(stored.objects)
    await encrypting(Engine(untouched), storage, stored, tmp_path, NEW, OLD).handle(EVENT, reports.ctx)
    assert {key: stored.objects[key] for key in before} == before, "what one wrote the other leaves alone"
    known = (await storage.renditions.find(VIDEO)).renditions
    assert {(one.key_name, one.init_key.split("/")[-2]) for one in known} == {(name_of(NEW), name_of(NEW))}
    assert (await storage.renditions.find_plan(VIDEO)).segment_key_name == name_of(NEW)


async def test_a_redelivery_after_the_plans_stays_with_the_key_that_stands(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    await encrypting(Engine(touched), storage, stored, tmp_path, OLD).handle(EVENT, reports.ctx)
    await encrypting(Engine(touched), storage, stored, tmp_path, NEW, OLD).handle(EVENT, reports.ctx)
    assert (await storage.renditions.find_plan(VIDEO)).segment_key_name == name_of(OLD)
