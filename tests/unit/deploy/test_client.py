"""What the client does when its event stream breaks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx2
import pytest

from deploy.client import TRIES, Client, ClientError, Event


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
