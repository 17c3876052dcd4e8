"""The contract of Videos, for the twin and for Postgres."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from storage.bundle import Storage
from storage.errors import VideoGoneError
from storage.records import (
    Box,
    NewVideo,
    StageRecord,
    Video,
    VideoChanges,
    VideoQuery,
)
from subjects.media import Location
from subjects.message import Priority
from tests.contract.storage_values import (
    NOW,
    OWNER,
    PARIS,
    STRANGER,
    keep,
    new_original,
    new_upload,
    new_video,
    news,
)


async def titles(storage: Storage, query: VideoQuery | None = None, viewer_id: UUID = OWNER) -> list[str]:
    return [v.title for v in await storage.videos.page(query or VideoQuery(), viewer_id, None, 50)]


async def test_a_created_video_is_found_as_it_was_said_with_every_stage_pending(storage: Storage) -> None:
    video = await keep(
        storage,
        description="Dusk",
        location=PARIS,
        recorded_at=NOW,
        priority=Priority.HIGH,
        visibility="private",
    )
    found = await storage.videos.find(video.id, OWNER)
    assert found is not None
    assert NewVideo(**{name: getattr(found, name) for name in NewVideo.__struct_fields__}) == video
    assert (found.status, found.updated_at, found.original, found.rejection) == ("waiting", NOW, None, None)
    assert [(s.name, s.state) for s in found.stages] == [
        ("uploader", "pending"),
        ("prober", "pending"),
        ("thumbnailer", "pending"),
        ("transcoder", "pending"),
    ]


async def test_a_found_video_holds_plain_types_that_encoders_know(storage: Storage) -> None:
    video = await keep(storage)
    found = await storage.videos.load(video.id)
    assert type(found.id) is UUID
    assert type(found.user_id) is UUID
    assert type(found.priority) is Priority


async def test_creating_a_known_video_changes_nothing(storage: Storage) -> None:
    video = await keep(storage)
    upload = new_upload(video.id)
    await storage.videos.create(new_video(id=video.id, title="Another"), upload)
    assert (await storage.videos.load(video.id)).title == "A walk"
    assert await storage.uploads.find(upload.id) is None


@pytest.mark.parametrize(
    ("visibility", "found", "listed"),
    [("public", True, True), ("unlisted", True, False), ("private", False, False)],
)
async def test_a_stranger_sees_what_the_owner_lets_them_see(
    storage: Storage, visibility: str, *, found: bool, listed: bool
) -> None:
    video = await keep(storage, visibility=visibility)
    assert (await storage.videos.find(video.id, STRANGER) is not None) is found
    assert (await titles(storage, viewer_id=STRANGER) == ["A walk"]) is listed
    assert await titles(storage, viewer_id=OWNER) == ["A walk"]


async def test_an_unknown_video_is_not_found_and_gone_for_an_actor(storage: Storage) -> None:
    assert await storage.videos.find(uuid4(), OWNER) is None
    with pytest.raises(VideoGoneError):
        await storage.videos.load(uuid4())


async def test_a_stranger_can_neither_edit_nor_remove_nor_reopen(storage: Storage) -> None:
    video = await keep(storage)
    assert await storage.videos.edit(video.id, STRANGER, VideoChanges(title="Mine")) is None
    assert await storage.videos.remove(video.id, STRANGER, news()) is False
    assert await storage.videos.reopen(video.id, STRANGER) is None
    assert (await storage.videos.load(video.id)).title == "A walk"
    assert await storage.outbox.pending(10) == []


async def test_an_edit_changes_what_it_names_and_clears_what_is_none(storage: Storage) -> None:
    video = await keep(storage, description="Dusk", location=PARIS)
    edited = await storage.videos.edit(
        video.id, OWNER, VideoChanges(title="A run", description=None, visibility="unlisted")
    )
    assert edited is not None
    assert (edited.title, edited.description, edited.visibility) == ("A run", None, "unlisted")
    assert edited.location == PARIS
    assert edited.updated_at > NOW
    assert await storage.videos.load(video.id) == edited


async def test_pages_join_without_gap_or_repetition_when_times_are_equal(storage: Storage) -> None:
    times = [NOW, NOW, NOW, NOW, NOW + timedelta(seconds=1), NOW - timedelta(seconds=1), NOW]
    made = [await keep(storage, created_at=at) for at in times]
    seen: list[Video] = []
    before: tuple[datetime, UUID] | None = None
    while page := await storage.videos.page(VideoQuery(), OWNER, before, 2):
        seen += page
        before = (page[-1].created_at, page[-1].id)
    expected = sorted(((v.created_at, v.id) for v in made), reverse=True)
    assert [(v.created_at, v.id) for v in seen] == expected


async def test_a_video_that_arrives_between_two_pages_moves_nothing(storage: Storage) -> None:
    for _ in range(3):
        await keep(storage)
    first = await storage.videos.page(VideoQuery(), OWNER, None, 2)
    await keep(storage, created_at=NOW + timedelta(seconds=1))
    second = await storage.videos.page(VideoQuery(), OWNER, (first[-1].created_at, first[-1].id), 2)
    assert len({v.id for v in first + second}) == 3


async def test_a_page_shows_each_video_with_its_own_stages(storage: Storage) -> None:
    one, other = await keep(storage), await keep(storage)
    await storage.stages.settle(one.id, "prober", "done", 2, None)
    page = {v.id: v for v in await storage.videos.page(VideoQuery(), OWNER, None, 10)}
    assert page[one.id].stages[1] == StageRecord(name="prober", state="done", attempt=2)
    assert page[other.id].stages[1] == StageRecord(name="prober")
    assert page[one.id] == await storage.videos.load(one.id)


async def test_a_listing_is_narrowed_to_a_user_and_to_a_status(storage: Storage) -> None:
    await keep(storage, title="mine")
    theirs = await keep(storage, title="theirs", user_id=STRANGER)
    await storage.videos.finish(theirs.id)
    assert await titles(storage, VideoQuery(user_id=OWNER)) == ["mine"]
    assert await titles(storage, VideoQuery(status="ready")) == ["theirs"]
    assert await titles(storage, VideoQuery(user_id=OWNER, status="ready")) == []


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("tower", True),
        ("TOWER eiffel", True),
        ("evening", True),
        ("Café", True),
        ("CAFE\u0301", True),  # the same letter, composed otherwise
        ("straße", True),
        ("STRASSE", True),
        ("夜", True),
        ("tow", False),
        ("tower london", False),
        ("%", True),  # no word in it, so nothing to contain
        ("'; drop table videos; --", False),
    ],
)
async def test_text_finds_the_videos_that_contain_all_its_words(
    storage: Storage, text: str, *, is_found: bool
) -> None:
    await keep(storage, title="The Eiffel Tower 夜景", description="An evening, from a café in some STRASSE.")
    assert (await titles(storage, VideoQuery(text=text)) != []) is is_found


async def test_an_edited_title_is_found_by_its_new_words_only(storage: Storage) -> None:
    video = await keep(storage, title="old", description="kept")
    await storage.videos.edit(video.id, OWNER, VideoChanges(title="new"))
    assert await titles(storage, VideoQuery(text="new kept")) == ["new"]
    assert await titles(storage, VideoQuery(text="old")) == []


@pytest.mark.parametrize(
    ("box", "found"),
    [
        (Box(west=2, south=48, east=3, north=49), ["paris"]),
        (Box(west=2.3522, south=48.8566, east=2.3522, north=48.8566), ["paris"]),
        (Box(west=2.3522001, south=48, east=3, north=49), []),
        (Box(west=170, south=-20, east=-170, north=0), ["fiji", "samoa"]),
        (Box(west=-180, south=-90, east=180, north=90), ["fiji", "paris", "samoa"]),
    ],
)
async def test_a_box_holds_the_videos_inside_also_across_the_antimeridian(
    storage: Storage, box: Box, found: list[str]
) -> None:
    await keep(storage, title="paris", location=PARIS)
    await keep(storage, title="fiji", location=Location(lat=-17.7, lng=178.0, source="user"))
    await keep(storage, title="samoa", location=Location(lat=-13.8, lng=-171.8, source="user"))
    await keep(storage, title="nowhere")
    assert sorted(await titles(storage, VideoQuery(box=box))) == found


async def test_removing_takes_the_rows_promises_the_news_and_works_once(storage: Storage) -> None:
    video, said = await keep(storage), news()
    await storage.stages.settle(video.id, "uploader", "done", 1, None)
    await storage.videos.record_original(video.id, new_original())
    assert await storage.videos.remove(video.id, OWNER, said) is True
    assert await storage.videos.remove(video.id, OWNER, news()) is False
    assert await storage.videos.find(video.id, OWNER) is None
    assert [(line.subject, line.body) for line in await storage.outbox.pending(10)] == [
        (said.subject, said.body)
    ]


async def test_two_removals_at_once_promise_the_news_once(storage: Storage) -> None:
    video = await keep(storage)
    removed = await asyncio.gather(*(storage.videos.remove(video.id, OWNER, news()) for _ in range(2)))
    assert sorted(removed) == [False, True]
    assert len(await storage.outbox.pending(10)) == 1


async def test_the_uploads_of_a_removed_video_are_left_to_the_sweep(storage: Storage) -> None:
    video = new_video()
    upload = new_upload(video.id)
    await storage.videos.create(video, upload)
    await storage.videos.remove(video.id, OWNER, news())
    found = await storage.uploads.find(upload.id)
    assert found is not None
    assert (found.state, found.video_id) == ("terminated", None)
    assert [u.id for u in await storage.uploads.expire(NOW, 10)] == [upload.id]


async def test_text_that_no_database_can_hold_is_kept_with_a_replacement(storage: Storage) -> None:
    video = await keep(storage, title="a\x00b", description="lone \ud800 half")
    await storage.stages.settle(video.id, "prober", "failed", 1, "boom: \x00")
    loaded = await storage.videos.load(video.id)
    assert (loaded.title, loaded.description) == ("a\ufffdb", "lone \ufffd half")
    assert loaded.stages[1].error == "boom: \ufffd"
    await storage.videos.edit(video.id, OWNER, VideoChanges(title="\x00"))
    assert await titles(storage, VideoQuery(text="\x00 lone")) == ["\ufffd"]
