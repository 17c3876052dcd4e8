"""A client of the public interface, as any client would be: REST, tus 1.0.0 and server-sent events."""

import asyncio
import hashlib
import mimetypes
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import httpx2
import msgspec

from deploy.stack_errors import StackError

CHUNK_BYTES: Final = 1024 * 1024
TRIES: Final = 10
T = TypeVar("T")
FALLBACK_TYPE: Final = "video/mp4"


class ClientError(StackError):
    """The service answered no; the text is its own explanation."""


class PassingError(ClientError):
    """The service cannot answer now, or another request of ours is still under way: try again."""

    def __init__(self, text: str, after_seconds: float = 0.0) -> None:
        super().__init__(text)
        self.after_seconds = after_seconds


PASSING: Final = (httpx2.TransportError, PassingError)
PASSING_STATUSES: Final = frozenset({409, 423, 429, 500, 502, 503, 504})
LASTING_CODES: Final = frozenset({"quota_exceeded"})
"""What does not pass for all that its status says."""
LONGEST_PAUSE_SECONDS: Final = 30.0
HOW_TO_SIGN_IN: Final = (
    "give an API key: --api-key, TRUTHTOK_API_KEY, or --data with the directory of the stack that runs here"
)


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: its id (empty for progress), its name and its data."""

    id: str
    name: str
    data: dict[str, Any]


def sha256_of(path: Path) -> str:
    """Return the hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_type_of(path: Path) -> str:
    """Return what a file seems to be by its name; the service looks for itself."""
    guess = mimetypes.guess_type(path.name)[0] or ""
    return guess if guess.startswith("video/") else FALLBACK_TYPE


def pause_seconds(attempt: int) -> float:
    """Return how long to wait after failed attempt number `attempt`, from 0."""
    return min(0.2 * 2.0**attempt, 5.0)


async def persistently(call: Callable[[], Awaitable[T]]) -> T:
    """Return what a call that may be repeated returns, trying again while the service is unavailable."""
    for attempt in range(TRIES):
        pause = pause_seconds(attempt)
        try:
            return await call()
        except PassingError as error:
            pause = max(pause, min(error.after_seconds, LONGEST_PAUSE_SECONDS))
        except httpx2.TransportError:
            pass
        await asyncio.sleep(pause)
    return await call()


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks to one TruthTok API."""

    api_url: str
    http: httpx2.AsyncClient
    token: str = field(default="", repr=False)
    """An API key or access token, sent to the API alone: the other URLs are their own permission."""
    pause: Callable[[int], float] = pause_seconds
    """Seconds before an event stream is opened again."""

    async def create(self, path: Path, title: str, location: tuple[float, float] | None) -> tuple[str, str]:
        """Announce an upload and return (video id, tus URL). Raises ClientError."""
        intent: dict[str, Any] = {
            "title": title,
            "upload": {
                "size_bytes": path.stat().st_size,
                "content_type": content_type_of(path),
                "filename": path.name,
                "sha256": await asyncio.to_thread(sha256_of, path),
            },
        }
        if location is not None:
            intent["location"] = {"lat": location[0], "lng": location[1]}
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        made = await persistently(lambda: self._json("POST", "/api/v1/videos", json=intent, headers=headers))
        return made["video"]["id"], made["upload"]["url"]

    async def upload(self, url: str, path: Path, on_offset: Callable[[int], None]) -> None:
        """Send a file by tus, going on where it broke off. Raises ClientError."""

        async def go_on() -> None:
            offset = await self._offset(url)
            on_offset(offset)
            if offset < path.stat().st_size:
                await self._patch(url, path, offset, on_offset)

        await persistently(go_on)

    async def events(self, video_id: str) -> AsyncIterator[Event]:
        """Yield a video's events for ever, reconnecting where they broke off.

        Raises ClientError for a refusal, and when attempts in a row brought no event.
        """
        last, attempt = "", 0
        while attempt < TRIES:
            with suppress(*PASSING):
                async for event in self._stream(video_id, last):
                    last, attempt = event.id or last, 0
                    yield event
            await asyncio.sleep(self.pause(attempt))
            attempt += 1
        raise ClientError("the event stream broke too often")

    async def video(self, video_id: str) -> dict[str, Any]:
        """Return a video."""
        return await self._json("GET", f"/api/v1/videos/{video_id}")

    async def playback(self, video_id: str) -> dict[str, Any]:
        """Return a video's signed URLs."""
        return await self._json("GET", f"/api/v1/videos/{video_id}/playback")

    @property
    def credentials(self) -> dict[str, str]:
        """The headers that say who asks."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def _json(
        self, method: str, path: str, *, headers: Mapping[str, str] = MappingProxyType({}), **options: Any
    ) -> dict[str, Any]:
        sent = {**self.credentials, **headers}
        answer = await self.http.request(method, self.api_url + path, headers=sent, **options)
        check(answer)
        found: dict[str, Any] = msgspec.json.decode(answer.content)
        return found

    async def _offset(self, url: str) -> int:
        answer = await self.http.head(url, headers={"Tus-Resumable": "1.0.0"})
        check(answer)
        return int(answer.headers["Upload-Offset"])

    async def _patch(self, url: str, path: Path, offset: int, on_offset: Callable[[int], None]) -> None:
        async def body() -> AsyncIterator[bytes]:
            at = offset
            with path.open("rb") as file:
                file.seek(offset)
                while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    yield chunk
                    at += len(chunk)
                    on_offset(at)

        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(path.stat().st_size - offset),
        }
        check(await self.http.patch(url, content=body(), headers=headers))

    async def _stream(self, video_id: str, last: str) -> AsyncIterator[Event]:
        headers = {"Accept": "text/event-stream", **self.credentials}
        headers |= {"Last-Event-ID": last} if last else {}
        url = f"{self.api_url}/api/v1/videos/{video_id}/events"
        async with self.http.stream("GET", url, headers=headers, timeout=60.0) as answer:
            if answer.status_code != httpx2.codes.OK:
                await answer.aread()
                check(answer)
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(":")
                if line and name:
                    fields[name] = value.removeprefix(" ")
                elif not line and "data" in fields:
                    data = msgspec.json.decode(fields["data"])
                    yield Event(fields.get("id", ""), fields.get("event", "message"), data)
                    fields = {}


def check(answer: httpx2.Response) -> None:
    """Raise ClientError with the service's own words for an answer of 4xx or 5xx."""
    if answer.status_code < httpx2.codes.BAD_REQUEST:
        return
    problem = problem_of(answer)
    text = f"{answer.status_code} {in_words(problem) or answer.text[:200]}"
    if answer.status_code == httpx2.codes.UNAUTHORIZED:
        text += f" ({HOW_TO_SIGN_IN})"
    if answer.status_code not in PASSING_STATUSES or problem.get("code") in LASTING_CODES:
        raise ClientError(text)
    after = answer.headers.get("retry-after", "")
    raise PassingError(text, float(after) if after.isdecimal() else 0.0)


def problem_of(answer: httpx2.Response) -> dict[str, Any]:
    """Return the problem details (RFC 9457) of an answer; nothing when it brings none."""
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(answer.content, type=dict[str, Any])
    return {}


def in_words(problem: dict[str, Any]) -> str:
    """Return what a problem says, with the fields that it names."""
    if not problem:
        return ""
    fields = (f" ({one.get('pointer')}: {one.get('detail')})" for one in problem.get("errors") or [])
    return f"{problem.get('title')}: {problem.get('detail')}{''.join(fields)}"
