"""Delivery: GET and HEAD of one object of a video, by a signed URL.

    /media/{video_id}/{name}?expires=…&signature=… -> a local file | a redirect to storage | a stream

Objects never change, so a copy is good for as long as its URL is. Staging cannot be reached: every key is
built below the video's own prefix.

No limit is spent here: a player asks for many small pieces, each would be a trip to Redis, and the signature
is the permission. A flood of readers is a CDN's job, for which the URLs of an hour are the same.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final
from uuid import UUID

from gateway.config import GatewayConfig
from gateway.media.conditions import is_range_valid, is_unchanged
from gateway.media.content_types import disposition_of
from gateway.media.exchange import ByteStream, FileSlice, Reply, Request
from gateway.media.heads import Heads
from gateway.media.ranges import Span, UnsatisfiableError, find_span
from gateway.media.references import has_references, with_query
from gateway.media.signed_urls import admit
from gateway.media.tus import http_date
from gateway.problems import ProblemError
from storage.content_types import content_type_of
from storage.keys import derived_key
from storage.ports import Objects
from storage.records import ObjectInfo

REDIRECT_CACHE_SECONDS: Final = 60
SMALL_BYTES: Final = 1 << 20
"""So much is read before it is sent: a stream would hold as much, and takes a pipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Serves objects."""

    config: GatewayConfig
    objects: Objects
    heads: Heads
    now: Callable[[], datetime]

    async def get(self, request: Request) -> Reply:
        """Answer GET and HEAD. Raises ProblemError."""
        video_id, key, left_seconds = self._admit(request)
        info = await self.heads.find(key)
        if info is None:
            raise ProblemError("not_found", "This video has no such object.")
        headers = _validators(info, left_seconds)
        if is_unchanged(request.headers, headers["ETag"], info.modified_at):
            return Reply(HTTPStatus.NOT_MODIFIED, headers)
        name = request.values["name"]
        download = request.query.get("download") == "1"
        headers["Content-Type"] = content_type_of(name)
        headers["Content-Disposition"] = disposition_of(video_id, name, download=download)
        if has_references(name, info.size_bytes):
            return await self._page(request, info, headers)
        redirect = await self._redirect(request, key, left_seconds)
        return redirect or await self._reply(request, info, headers)

    def _admit(self, request: Request) -> tuple[UUID, str, int]:
        """Return the video, the object's key and for how many seconds the URL is good.

        Raises ProblemError.
        """
        video_id, left_seconds = admit(self.config, request, self.now())
        try:
            key = derived_key(video_id, request.values["name"])
        except ValueError as error:
            raise ProblemError("not_found", "This video has no such object.") from error
        return video_id, key, left_seconds

    async def _page(self, request: Request, info: ObjectInfo, headers: dict[str, str]) -> Reply:
        """Return a small text whose references carry the query on. Always whole, never redirected."""
        query = f"expires={request.query['expires']}&signature={request.query['signature']}"
        page = with_query(request.values["name"], await self.objects.get(info.key), query)
        return Reply(HTTPStatus.OK, headers, page)

    async def _redirect(self, request: Request, key: str, left_seconds: int) -> Reply | None:
        """Return where else the bytes can be read. A presigned URL is good for GET, and names no file."""
        is_plain = request.method == "GET" and "download" not in request.query
        if not self.config.redirect_to_storage or not is_plain:
            return None
        target = await self.objects.presign(key, left_seconds)
        if target is None:
            return None
        cached = f"private, max-age={min(REDIRECT_CACHE_SECONDS, left_seconds)}"
        return Reply(HTTPStatus.TEMPORARY_REDIRECT, {"Location": target, "Cache-Control": cached})

    async def _reply(self, request: Request, info: ObjectInfo, headers: dict[str, str]) -> Reply:
        headers["Accept-Ranges"] = "bytes"
        span = _span_of(request, info, headers["ETag"])
        if span is None:
            whole = Span(0, info.size_bytes)
            return Reply(HTTPStatus.OK, headers, await self._body(request, info, whole))
        headers["Content-Range"] = span.content_range(info.size_bytes)
        return Reply(HTTPStatus.PARTIAL_CONTENT, headers, await self._body(request, info, span))

    async def _body(self, request: Request, info: ObjectInfo, span: Span) -> bytes | FileSlice | ByteStream:
        """Return a part of a file, the bytes when they are few, or a stream whose first ones were read.

        So an object that cannot be read is told as that, where headers of success would have gone first.
        """
        path = self.objects.local_path(info.key)
        if path is not None:
            return FileSlice(path, *span)
        size_bytes, chunks = span.end_bytes - span.start_bytes, self._stream(info.key, span)
        if request.method != "GET" or not size_bytes:
            return ByteStream(chunks, size_bytes)
        if size_bytes <= SMALL_BYTES:
            return b"".join([chunk async for chunk in chunks])
        return ByteStream(_behind(await anext(chunks), chunks), size_bytes)

    async def _stream(self, key: str, span: Span) -> AsyncGenerator[bytes, None]:
        async with aclosing(self.objects.stream(key, *span)) as chunks:  # type: ignore[type-var] # a generator
            async for chunk in chunks:
                yield chunk


async def _behind(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        yield first
        async for chunk in rest:
            yield chunk


def _validators(info: ObjectInfo, left_seconds: int) -> dict[str, str]:
    """Return what a cache keeps an object by: for as long as its URL is good, and no longer."""
    return {
        "ETag": f'"{info.etag}"',
        "Last-Modified": http_date(info.modified_at),
        "Cache-Control": f"public, max-age={left_seconds}, immutable",
    }


def _span_of(request: Request, info: ObjectInfo, etag: str) -> Span | None:
    """Return the part that is asked for, None for all. Raises ProblemError 416."""
    if request.method == "HEAD" or not is_range_valid(request.headers, etag, info.modified_at):
        return None
    try:
        return find_span(request.headers.get("range", ""), info.size_bytes)
    except UnsatisfiableError as error:
        raise ProblemError(
            "range_not_satisfiable",
            f"The object has {info.size_bytes} bytes.",
            headers={"Content-Range": f"bytes */{info.size_bytes}", "Accept-Ranges": "bytes"},
        ) from error
