import pytest
from msgspec.structs import replace

OURS, THEIRS = "https://app.test", "https://elsewhere.test"


@pytest.mark.parametrize("path", ["/health", "/nonsense"])
async def test_an_allowed_origin_may_read_every_answer(house, path):
    told = await house.ask("GET", path, headers={"Origin": OURS})
    assert told.headers["Access-Control-Allow-Origin"] == OURS
    assert "X-Request-Id" in told.headers["Access-Control-Expose-Headers"]
    assert told.headers["Vary"] == "Origin"


async def test_another_origin_may_not_read(house):
    told = await house.ask("GET", "/health", headers={"Origin": THEIRS})
    assert "Access-Control-Allow-Origin" not in told.headers
    assert told.headers["Vary"] == "Origin"


async def test_a_preflight_names_methods_and_headers(house):
    asked = {"Origin": OURS, "Access-Control-Request-Method": "POST"}
    told = await house.ask("OPTIONS", "/api/v1/videos", headers=asked)
    assert "POST" in told.headers["Access-Control-Allow-Methods"]
    assert "Idempotency-Key" in told.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("origin", [THEIRS, "null", "", "http://api.test.evil"])
async def test_a_page_of_another_origin_may_not_write(house, video_intent, origin):
    told = await house.ask("POST", "/api/v1/videos", video_intent(), headers={"Origin": origin})
    assert (told.status, told.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize("headers", [{"Origin": OURS}, {"Origin": "http://api.test"}, {}])
async def test_our_pages_and_programs_may_write(house, video_intent, headers):
    assert (await house.ask("POST", "/api/v1/videos", video_intent(), headers=headers)).status == 201


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.168.1.7"])
async def test_the_documents_page_may_write_under_whatever_address_it_was_reached(house, video_intent, host):
    headers = {"Origin": f"http://{host}", "Host": host}
    assert (await house.ask("POST", "/api/v1/videos", video_intent(), headers=headers)).status == 201


@pytest.mark.parametrize("origin", ["http://evil.test", "http://[", "http://127.0.0.1"])
async def test_a_name_that_was_made_to_lead_here_is_not_ours(house, video_intent, origin):
    headers = {"Origin": origin, "Host": "evil.test"}
    assert (await house.ask("POST", "/api/v1/videos", video_intent(), headers=headers)).status == 403


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:8000", "api.test.evil.test", "[", "127.0.0.1.evil.test"]
)
@pytest.mark.parametrize("path", ["/api/v1/videos", "/api/v1/admin/dead-letters", "/health/deep"])
async def test_nothing_is_read_under_a_name_that_is_not_ours(house, path, host):
    told = await house.ask("GET", path, headers={"Host": host})
    assert (told.status, told.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "host",
    [
        "localhost:1",
        "127.0.0.1",
        "[::1]:1",
        "192.168.1.7:80",
        "api:8000",
        "api.test",
        "API.test.:1",
        "app.test",
        "",
    ],
)
async def test_everything_is_read_under_our_names_and_addresses(house, host):
    assert (await house.ask("GET", "/api/v1/videos", headers={"Host": host})).status == 200


async def test_any_name_is_ours_when_any_origin_may_call(new_house):
    house = new_house()
    house.config = replace(house.config, allowed_origins=("*",))
    house.build()
    assert (await house.ask("GET", "/api/v1/videos", headers={"Host": "any.test"})).status == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_an_orchestrator_may_ask_by_any_name(house, path):
    assert (await house.ask("GET", path, headers={"Host": "pod.cluster.local"})).status == 200
