import asyncio

import pytest
from msgspec.structs import replace

from gateway.routes.table import ROUTES
from storage.errors import StorageUnavailableError, VideoGoneError
from storage.records import CLAIM_SECONDS

KEY = {"Idempotency-Key": "k-1"}


async def test_the_same_key_and_body_give_the_same_response(house, video_intent):
    first = await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)
    again = await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(house.storage.videos.state.videos) == 1


async def test_the_same_request_written_differently_is_the_same(house):
    one = b'{"title":"Rain","upload":{"size_bytes":1,"content_type":"video/mp4"}}'
    other = b'{ "upload": {"content_type":"video/mp4", "size_bytes":1}, "title":"Rain" }'
    first = await house.ask("POST", "/api/v1/videos", raw=one, headers=KEY)
    assert (await house.ask("POST", "/api/v1/videos", raw=other, headers=KEY)).body == first.body


async def test_another_body_under_the_same_key_is_422(house, video_intent):
    await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)
    told = await house.ask("POST", "/api/v1/videos", video_intent(title="Sun"), headers=KEY)
    assert (told.status, told.json["code"]) == (422, "idempotency_key_reused")


async def test_a_key_whose_request_still_runs_is_409(new_house, video_intent):
    house, gate, begun = new_house(), asyncio.Event(), asyncio.Event()
    videos = house.storage.videos

    class Slow:
        find = videos.find

        async def create(self, *given):
            begun.set()
            await gate.wait()
            await videos.create(*given)

    house.videos = Slow()
    house.build()
    first = asyncio.create_task(house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY))
    await begun.wait()
    told = await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)
    assert (told.status, told.json["code"]) == (409, "request_in_progress")
    assert told.headers["Retry-After"]
    gate.set()
    assert (await first).status == 201


async def test_a_refused_request_lets_go_of_its_key(house, video_intent):
    bad = video_intent(title="x", upload={"content_type": "image/png"})
    assert (await house.ask("POST", "/api/v1/videos", bad, headers=KEY)).status == 415
    assert (await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)).status == 201


async def test_a_try_that_broke_off_after_writing_makes_no_second_video(new_house, video_intent):
    house = new_house()
    videos, failures = house.storage.videos, [StorageUnavailableError("gone")]

    class Breaking:
        find = videos.find

        async def create(self, *given):
            await videos.create(*given)
            if failures:
                raise failures.pop()

    house.videos = Breaking()
    house.build()
    assert (await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)).status == 503
    assert (await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)).status == 409
    house.later(61)
    told = await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)
    (video,), (upload,) = videos.state.videos.values(), videos.state.uploads.values()
    assert told.json["video"]["id"] == str(video.id)
    assert str(upload.id) in told.json["upload"]["url"]


async def test_a_video_that_went_meanwhile_lets_go_of_the_key(new_house, video_intent):
    house = new_house()

    class Vanishing:
        async def create(self, video, *_):
            raise VideoGoneError(video.id)

    house.videos = Vanishing()
    house.build()
    for _ in range(2):
        told = await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)
        assert (told.status, told.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("route", [one for one in ROUTES if one.method == "POST"], ids=lambda one: one.name)
def test_no_request_outlives_its_claim(route):
    assert route.timeout_seconds < CLAIM_SECONDS


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é", "a\x00"])
async def test_a_key_that_is_none_is_named(house, video_intent, key):
    told = await house.ask("POST", "/api/v1/videos", video_intent(), headers={"Idempotency-Key": key})
    assert (told.status, told.pointers) == (400, ["/Idempotency-Key"])


async def test_a_request_repeated_after_a_rotation_of_keys_is_still_the_same(house, video_intent):
    first = await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)
    house.config = replace(
        house.config, signing_key=b"n" * 32, former_signing_keys=(house.config.signing_key,)
    )
    house.build()
    again = await house.ask("POST", "/api/v1/videos", video_intent(), headers=KEY)
    assert (again.status, again.body) == (201, first.body)
    other = await house.ask("POST", "/api/v1/videos", video_intent(title="Sun"), headers=KEY)
    assert other.json["code"] == "idempotency_key_reused"
    unmarked = await house.ask("POST", "/api/v1/videos", video_intent(), headers={"Idempotency-Key": "k-2"})
    assert unmarked.status == 201
    assert unmarked.body != first.body
