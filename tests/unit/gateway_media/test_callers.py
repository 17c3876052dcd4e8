"""Who may make uploads, how often, and on whose behalf storage is asked."""

import json
import logging
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx2
import pytest
from msgspec.structs import replace

from gateway.caller import Caller
from storage.asking import Asking, who_asks
from storage.identity_records import UploadQuota
from storage.memory.uploads import MemoryUploads
from storage.memory.videos import MemoryVideos
from storage.records import LOCAL_USER_ID, NewUpload, Upload
from tests.unit.gateway_media.house import TUS, House, create, known, patch, path_of, running

ANN, BEN = UUID(int=1), UUID(int=2)
DATA = b"x" * 1500


def _as(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


@pytest.fixture
def house() -> House:
    house = House()
    house.doorkeeper.names = {
        "ann": known(ANN),
        "ben": known(BEN),
        "viewer": known(BEN, "viewer"),
        "reader": with_key(known(BEN, "creator", ("videos:read",))),
        "nobody": Caller(address="127.0.0.1"),
    }
    return house


def with_key(caller: Caller) -> Caller:
    return Caller(
        user_id=caller.user_id, role=caller.role, permissions=caller.permissions, key_id=UUID(int=9)
    )


async def _post(client: httpx2.AsyncClient, name: str, **headers: str) -> httpx2.Response:
    return await client.post("/uploads", headers={**TUS, "Upload-Length": "10", **_as(name), **headers})


async def test_an_upload_belongs_to_who_made_it(house: House, client: httpx2.AsyncClient) -> None:
    path = path_of((await _post(client, "ann")).headers["Location"])
    upload = await house.upload(path)
    assert upload.video_id
    assert upload.user_id == (await house.storage.videos.load(upload.video_id)).user_id == ANN


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("nobody", 401, "unauthenticated"),
        ("stranger", 401, "unauthenticated"),
        ("viewer", 403, "forbidden"),
        ("reader", 403, "forbidden"),
    ],
)
async def test_who_may_not_make_uploads_makes_none(
    house: House, client: httpx2.AsyncClient, name: str, status: int, code: str
) -> None:
    answer = await _post(client, name)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert not house.storage.videos.state.uploads


@pytest.mark.parametrize("headers", [{}, {"Upload-Concat": "partial"}])
async def test_an_account_that_was_closed_elsewhere_is_401_and_not_told_of_its_quota(
    house: House, client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    house.storage.videos.state.closed_at[ANN] = house.storage.videos.state.now()
    house.doorkeeper.closed.add(ANN)
    answer = await _post(client, "ann", **headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert "WWW-Authenticate" in answer.headers


async def test_the_url_of_an_upload_needs_no_caller(house: House, client: httpx2.AsyncClient) -> None:
    path = path_of((await _post(client, "ann", **{"Upload-Length": "1500"})).headers["Location"])
    house.doorkeeper.unnamed = Caller()
    assert (await client.head(path, headers=TUS)).status_code == 200
    assert (await patch(client, path, 0, DATA)).status_code == 204
    other = path_of((await _post(client, "ann")).headers["Location"])
    assert (await client.delete(other, headers=TUS)).status_code == 204


async def test_a_creation_says_how_the_limit_stands(client: httpx2.AsyncClient) -> None:
    answer = await _post(client, "ann")
    assert answer.headers["RateLimit-Policy"] == '"upload";q=100;w=10'
    assert answer.headers["RateLimit"] == '"upload";r=99;t=1'
    begun = time.monotonic()
    refused = [await _post(client, "ann", **{"Upload-Length": "many"}) for _ in range(50)]
    assert {one.status_code for one in refused} == {400}
    left = int(refused[-1].headers["RateLimit"].partition("r=")[2].partition(";")[0])
    assert left <= 49 + 10 * (time.monotonic() - begun + 1), "a bucket fills by ten a second, and no faster"


async def test_too_many_creations_are_refused_to_one_and_not_to_another(
    house: House, client: httpx2.AsyncClient
) -> None:
    answers = [await _post(client, "ann") for _ in range(100)]
    while (last := await _post(client, "ann")).status_code == 201:
        answers.append(last)
    assert (last.status_code, last.json()["code"]) == (429, "too_many_requests")
    assert int(last.headers["Retry-After"]) >= 1
    assert last.headers["RateLimit"].startswith('"upload";r=0;')
    assert len(house.storage.videos.state.uploads) == len(answers)
    assert (await _post(client, "ben")).status_code == 201


async def test_guessing_tokens_is_limited(client: httpx2.AsyncClient) -> None:
    answers = [await _post(client, "stranger") for _ in range(3)]
    assert [answer.headers["RateLimit"].split(";")[0] for answer in answers] == ['"read"'] * 3
    while (last := await _post(client, "stranger")).status_code == 401:
        pass
    assert last.status_code == 429


async def test_limits_can_be_switched_off(house: House) -> None:
    house.config = replace(house.config, rate_limits=False)
    async with running(house) as client:
        assert "RateLimit" not in (await _post(client, "ann")).headers


async def test_a_browser_may_read_the_limits(house: House) -> None:
    house.config = replace(house.config, allowed_origins=("https://app.test",))
    async with running(house) as client:
        answer = await _post(client, "ann", Origin="https://app.test")
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate"} <= {*exposed}


async def test_the_log_says_on_whose_behalf(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "truthtok.journal"):
        path = path_of((await _post(client, "ann")).headers["Location"])
        await client.head(path, headers=TUS)
        await _post(client, "nobody")
    lines = [json.loads(record.message) for record in caplog.records if record.name == "truthtok.journal"]
    assert [line.get("user_id") for line in lines] == [str(ANN), str(ANN), None]


@pytest.mark.parametrize("concat", ["", "partial"])
async def test_a_day_that_is_used_up_is_told(house: House, concat: str) -> None:
    house.config = replace(house.config, quota=UploadQuota(uploads=1, size_bytes=1000))
    headers = {"Upload-Concat": concat} if concat else {}
    async with running(house) as client:
        assert (await _post(client, "ann", **headers)).status_code == 201
        answer = await _post(client, "ann", **headers)
        assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")
        assert 0 < int(answer.headers["Retry-After"]) <= 86_400
        assert (await _post(client, "ben", **headers)).status_code == 201


async def test_a_length_that_comes_late_counts_too(house: House) -> None:
    house.config = replace(house.config, quota=UploadQuota(uploads=9, size_bytes=1000))
    async with running(house) as client:
        path = await create(client, None)
        answer = await patch(client, path, 0, b"", **{"Upload-Length": "1500"})
        assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")
        assert int(answer.headers["Retry-After"]) > 0
        assert (await patch(client, path, 0, b"", **{"Upload-Length": "900"})).status_code == 204


@pytest.mark.parametrize("concat", ["", "partial"])
async def test_uploads_without_a_length_reserve_as_much_as_they_may_become(house: House, concat: str) -> None:
    quota = UploadQuota(uploads=9, size_bytes=2 * house.config.max_upload_bytes + 10)
    house.config = replace(house.config, quota=quota)
    headers = {"Upload-Concat": concat} if concat else {}
    async with running(house) as client:
        path = await create(client, None, **headers)
        await create(client, None, **headers)
        told = {**TUS, "Upload-Defer-Length": "1", **headers}
        assert (await client.post("/uploads", headers=told)).json()["code"] == "quota_exceeded"
        assert (await patch(client, path, 0, b"", **{"Upload-Length": "900"})).status_code == 204
        await create(client, 10 + house.config.max_upload_bytes - 900)
        assert (await client.post("/uploads", headers=told)).json()["code"] == "quota_exceeded"


async def test_without_bytes_in_the_quota_nothing_begins_without_a_length_either(house: House) -> None:
    house.config = replace(house.config, quota=UploadQuota(uploads=9, size_bytes=0))
    async with running(house) as client:
        answer = await client.post("/uploads", headers={**TUS, "Upload-Defer-Length": "1"})
        assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")


async def _part(client: httpx2.AsyncClient, name: str) -> str:
    path = await create(client, len(DATA), **{"Upload-Concat": "partial", **_as(name)})
    assert (await patch(client, path, 0, DATA)).status_code == 204
    return path


async def _join(client: httpx2.AsyncClient, name: str, *paths: str) -> httpx2.Response:
    told = {**TUS, "Upload-Concat": f"final;{' '.join(paths)}", **_as(name)}
    return await client.post("/uploads", headers=told)


async def test_parts_of_another_user_cannot_be_joined(house: House, client: httpx2.AsyncClient) -> None:
    own, foreign = await _part(client, "ben"), await _part(client, "ann")
    answer = await _join(client, "ben", own, foreign)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert not house.storage.videos.state.videos
    assert (await house.upload(foreign)).state == (await house.upload(own)).state == "complete"
    assert (await _join(client, "ann", foreign)).status_code == 201


async def test_a_moderator_cannot_join_them_either(house: House, client: httpx2.AsyncClient) -> None:
    house.doorkeeper.names["mod"] = known(UUID(int=3), "moderator")
    assert (await _join(client, "mod", await _part(client, "ann"))).status_code == 409


async def test_who_may_not_make_uploads_joins_none(client: httpx2.AsyncClient) -> None:
    part = await _part(client, "ben")
    assert (await _join(client, "viewer", part)).status_code == 403
    assert (await _join(client, "nobody", part)).status_code == 401


class _Overheard(MemoryUploads):
    """Uploads that keep who asked."""

    def tell(self, what: str) -> None:
        HEARD.append((what, who_asks()))

    async def create(self, upload: NewUpload, quota: UploadQuota | None = None) -> None:
        self.tell("create")
        await super().create(upload, quota)

    async def find(self, upload_id: UUID) -> Upload | None:
        self.tell("find")
        return await super().find(upload_id)

    async def declare_length(
        self, upload_id: UUID, length_bytes: int, quota: UploadQuota | None = None
    ) -> Upload:
        self.tell("declare_length")
        return await super().declare_length(upload_id, length_bytes, quota)

    async def append(self, *args: Any) -> Upload:
        self.tell("append")
        return await super().append(*args)

    async def concatenate(self, final: NewUpload, partials: Sequence[UUID], announce: Any) -> Upload:
        self.tell("concatenate")
        return await super().concatenate(final, partials, announce)

    async def terminate(self, upload_id: UUID) -> bool:
        self.tell("terminate")
        return await super().terminate(upload_id)


class _OverheardVideos(MemoryVideos):
    async def create(self, *args: Any) -> None:
        HEARD.append(("create_video", who_asks()))
        await super().create(*args)


HEARD: list[tuple[str, Asking]] = []


@pytest.fixture
def heard(house: House) -> list[tuple[str, Asking]]:
    house.storage.uploads = _Overheard(house.storage.uploads.state)
    house.storage.videos = _OverheardVideos(house.storage.videos.state)
    HEARD.clear()
    return HEARD


async def test_storage_is_told_who_asks(
    heard: list[tuple[str, Asking]], house: House, client: httpx2.AsyncClient
) -> None:
    caller, owner = known(ANN).asking, Asking(user_id=ANN)
    path = await create(client, None, **_as("ann"))
    part = await create(client, 10, **{"Upload-Concat": "partial", **_as("ann")})
    assert heard == [("create_video", caller), ("create", caller)]
    bearer, part_bearer = (Asking(upload_id=UUID(p.split("/")[2].split(".")[0])) for p in (path, part))
    heard.clear()
    await client.head(path, headers=TUS)
    assert heard == [("find", bearer)]
    heard.clear()
    await patch(client, path, 0, DATA, **{"Upload-Length": "2000"})
    assert heard[:2] == [("find", bearer), ("find", owner)]
    assert heard[2:] == [("declare_length", owner), ("append", owner), ("append", owner)]
    heard.clear()
    await client.delete(path, headers=TUS)
    assert heard == [("find", bearer), ("terminate", owner)]
    heard.clear()
    await patch(client, part, 0, DATA[:10])
    assert heard == [("find", part_bearer), ("append", owner)]
    heard.clear()
    assert (await _join(client, "ann", part)).status_code == 201
    assert [what for what, _ in heard] == ["find", "create_video", "concatenate", "terminate"]
    assert {asking for _, asking in heard} == {caller}


async def test_who_comes_by_a_proxy_is_limited_by_their_own_address(house: House) -> None:
    house.config = replace(house.config, behind_proxy=True)
    async with running(house) as client:
        for last in (1, 1, 2):
            answer = await _post(client, "stranger", **{"X-Forwarded-For": f"8.8.8.8, 192.0.2.{last}"})
    assert answer.headers["RateLimit"] == '"read";r=599;t=1'


async def test_the_local_account_is_an_owner_like_any_other(house: House, client: httpx2.AsyncClient) -> None:
    assert (await house.upload(await create(client, 10))).user_id == LOCAL_USER_ID
