"""What the client sends, and what it does when something breaks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from deploy.client import TRIES, Client, ClientError, Event

KEY = "tt_secret"
SIZE_BYTES = str(Path(__file__).stat().st_size)


@dataclass(frozen=True, slots=True)
class BreakingClient(Client):
    """A client each of whose streams breaks after one event, the first `silent` before any."""

    silent: int = 0
    opened: list[str] = field(default_factory=list)

    async def _stream(self, video_id: str, last: str) -> AsyncIterator[Event]:
        self.opened.append(last)
        if len(self.opened) > self.silent:
            yield Event(str(len(self.opened)), "video.probed", {})
        raise httpx2.ReadError("broke")


def breaking(http: httpx2.AsyncClient, silent: int) -> BreakingClient:
    return BreakingClient("http://x", http, pause=lambda _: 0.0, silent=silent)


async def test_a_stream_that_goes_on_after_each_break_is_followed_for_ever() -> None:
    async with httpx2.AsyncClient() as http:
        client = breaking(http, silent=0)
        events = client.events("1")
        seen = [(await anext(events)).id for _ in range(3 * TRIES)]
    assert seen == [str(number) for number in range(1, 3 * TRIES + 1)]
    assert client.opened == ["", *seen[:-1]]


async def test_a_stream_that_only_breaks_is_given_up() -> None:
    async with httpx2.AsyncClient() as http:
        client = breaking(http, silent=1000)
        with pytest.raises(ClientError, match="broke too often"):
            await anext(client.events("1"))
    assert len(client.opened) == TRIES


async def answering(
    *answers: httpx2.Response, token: str = ""
) -> tuple[list[httpx2.Request], Exception | None]:
    """Ask for a video of a service with these answers; return the requests and what came of it."""
    asked, left = [], list(answers)

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return left.pop(0)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(handle)) as http:
        try:
            await Client("http://api.test", http, token).video("1")
        except ClientError as error:
            return asked, error
    return asked, None


async def test_the_token_is_sent_and_not_shown() -> None:
    [request], error = await answering(httpx2.Response(200, json={}), token=KEY)
    assert (request.headers["authorization"], error) == (f"Bearer {KEY}", None)
    assert KEY not in repr(Client("http://api.test", httpx2.AsyncClient(), KEY))


async def test_without_a_token_nothing_is_claimed() -> None:
    [request], _ = await answering(httpx2.Response(200, json={}))
    assert "authorization" not in request.headers


async def test_a_401_says_how_to_sign_in_in_one_line() -> None:
    problem = {"title": "This needs a sign-in", "detail": "Sign in."}
    _, error = await answering(httpx2.Response(401, json=problem))
    assert str(error).startswith("401 This needs a sign-in: Sign in. (give an API key: --api-key, ")
    assert "\n" not in str(error)


async def test_a_quota_that_is_used_up_does_not_pass_by_asking_again() -> None:
    url, there = "http://media.test/uploads/1", []

    def handle(request: httpx2.Request) -> httpx2.Response:
        there.append(request)
        problem = {"title": "The quota of the day is used up", "detail": "x", "code": "quota_exceeded"}
        return httpx2.Response(429, json=problem, headers={"Retry-After": "1"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(handle)) as http:
        with pytest.raises(ClientError, match="429 The quota"):
            await Client("http://api.test", http).upload(url, Path(__file__), lambda _: None)
    assert len(there) == 1


async def test_what_passes_is_tried_again_and_the_urls_of_uploads_get_no_token() -> None:
    url, there = "http://media.test/uploads/1", []

    def handle(request: httpx2.Request) -> httpx2.Response:
        there.append(request)
        if len(there) == 1:
            return httpx2.Response(429, headers={"Retry-After": "0"})
        return httpx2.Response(200, headers={"Upload-Offset": SIZE_BYTES})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(handle)) as http:
        await Client("http://api.test", http, KEY).upload(url, Path(__file__), lambda _: None)
    assert len(there) == 2
    assert not any("authorization" in request.headers for request in there)
