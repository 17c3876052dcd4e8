"""The contract of Videos for what actors record, for the twin and for Postgres."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from storage.bundle import Storage
from storage.errors import VideoGoneError
from storage.records import Illustration, Rejection, StageRecord, VideoChanges
from subjects.media import Frame, Location, Picture, Storyboard
from tests.contract.storage_values import (
    LATER,
    METADATA,
    NOW,
    OWNER,
    PARIS,
    STRANGER,
    keep,
    new_original,
    new_upload,
    news,
)


async def test_work_on_a_removed_video_is_told_that_it_is_gone(storage: Storage) -> None:
    video = await keep(storage)
    await storage.videos.remove(video.id, OWNER, news())
    for work in (
        storage.videos.record_original(video.id, new_original()),
        storage.videos.record_probe(video.id, METADATA, None, None),
        storage.videos.record_illustration(video.id, Illustration(posters=())),
        storage.videos.reject(video.id, "prober", "not_media", "No."),
        storage.videos.finish(video.id),
        storage.uploads.create(new_upload(video.id)),
    ):
        with pytest.raises(VideoGoneError):
            await work


async def test_the_first_original_wins_and_makes_the_video_processing(storage: Storage) -> None:
    video, first = await keep(storage), new_original()
    assert await storage.videos.record_original(video.id, first) == first
    assert await storage.videos.record_original(video.id, new_original(b"other")) == first
    loaded = await storage.videos.load(video.id)
    assert (loaded.original, loaded.status) == (first, "processing")


async def test_a_second_record_leaves_a_finished_video_as_it_is(storage: Storage) -> None:
    video = await keep(storage)
    await storage.videos.record_original(video.id, new_original())
    await storage.videos.finish(video.id)
    before = await storage.videos.load(video.id)
    await storage.videos.record_original(video.id, new_original())
    assert await storage.videos.load(video.id) == before


async def test_a_duplicate_names_the_oldest_other_video_of_the_same_owner(storage: Storage) -> None:
    theirs = await keep(storage, user_id=STRANGER, created_at=NOW - timedelta(days=9))
    younger = await keep(storage, created_at=NOW + timedelta(days=1))
    oldest = await keep(storage, created_at=NOW - timedelta(days=1))
    for video in (theirs, younger, oldest):
        await storage.videos.record_original(video.id, new_original())
    copy = await keep(storage, created_at=LATER)
    kept = await storage.videos.record_original(copy.id, new_original(duplicate_of=uuid4()))
    assert kept.duplicate_of == oldest.id
    await storage.videos.remove(oldest.id, OWNER, news())
    loaded = await storage.videos.load(copy.id)
    assert loaded.original is not None
    assert loaded.original.duplicate_of is None


async def test_of_two_copies_that_arrive_together_one_is_the_duplicate(storage: Storage) -> None:
    copies = [await keep(storage) for _ in range(2)]
    kept = await asyncio.gather(*(storage.videos.record_original(v.id, new_original()) for v in copies))
    assert len([original for original in kept if original.duplicate_of]) == 1


async def test_a_probe_fills_in_what_the_owner_left_open(storage: Storage) -> None:
    video, place = await keep(storage), Location(lat=1.5, lng=-2.5, source="container")
    probed = await storage.videos.record_probe(video.id, METADATA, place, LATER)
    assert (probed.metadata, probed.location, probed.recorded_at) == (METADATA, place, LATER)
    again = await storage.videos.record_probe(video.id, METADATA, None, None)
    assert (again.location, again.recorded_at) == (place, LATER)


async def test_a_probe_leaves_what_the_owner_said(storage: Storage) -> None:
    video, place = (
        await keep(storage, location=PARIS, recorded_at=NOW),
        Location(lat=1, lng=2, source="container"),
    )
    probed = await storage.videos.record_probe(video.id, METADATA, place, LATER)
    assert (probed.location, probed.recorded_at) == (PARIS, NOW)


async def test_a_location_that_the_owner_cleared_stays_cleared(storage: Storage) -> None:
    video, place = await keep(storage), Location(lat=1, lng=2, source="container")
    await storage.videos.record_probe(video.id, METADATA, place, None)
    await storage.videos.edit(video.id, OWNER, VideoChanges(location=None))
    assert (await storage.videos.record_probe(video.id, METADATA, place, None)).location is None


async def test_pictures_replace_earlier_ones(storage: Storage) -> None:
    video = await keep(storage)
    poster = Picture(key="videos/a/p.jpg", content_type="image/jpeg", width_px=320, height_px=568)
    board = Storyboard(
        vtt_key="v", sheet_keys=("s1", "s2"), tile_width_px=160, tile_height_px=90, interval_seconds=0.5
    )
    frame = Frame(key="f", at_seconds=1.25, score=0.5)
    full = Illustration(posters=(poster,), preview=poster, storyboard=board, frames=(frame,))
    await storage.videos.record_illustration(video.id, Illustration(posters=()))
    await storage.videos.record_illustration(video.id, full)
    assert (await storage.videos.load(video.id)).illustration == full


async def test_the_first_rejection_stands_for_good(storage: Storage) -> None:
    video = await keep(storage)
    await storage.videos.reject(video.id, "prober", "not_media", "No video in it.")
    await storage.videos.reject(video.id, "uploader", "other", "Other.")
    await storage.stages.settle(video.id, "prober", "done", 1, None)
    await storage.stages.settle(video.id, "thumbnailer", "failed", 1, "boom")
    await storage.videos.finish(video.id)
    loaded = await storage.videos.load(video.id)
    assert (loaded.status, loaded.rejection) == (
        "rejected",
        Rejection(code="not_media", detail="No video in it."),
    )
    assert loaded.stages[1] == StageRecord(name="prober", state="failed", error="not_media: No video in it.")
    assert await storage.videos.reopen(video.id, OWNER) == ()


async def test_reopening_makes_failed_stages_pending_once(storage: Storage) -> None:
    video = await keep(storage)
    for stage in ("thumbnailer", "prober"):
        await storage.stages.settle(video.id, stage, "failed", 5, "boom: it broke")
    assert (await storage.videos.load(video.id)).status == "failed"
    assert await storage.videos.reopen(video.id, OWNER) == ("prober", "thumbnailer")
    assert await storage.videos.reopen(video.id, OWNER) == ()
    loaded = await storage.videos.load(video.id)
    assert loaded.status == "processing"
    assert loaded.stages[1:3] == (StageRecord(name="prober"), StageRecord(name="thumbnailer"))
