"""How a server begins and ends."""

import asyncio
import os
from collections.abc import AsyncIterator

import httpx2
import pytest
from msgspec.structs import replace

from gateway.config import GatewayConfig
from gateway.limits.leases import Unlimited
from gateway.media.embedded import PortBusyError, listen, serve_plane
from gateway.media.exchange import ByteStream, Reply, Request
from gateway.media.plane import Plane
from gateway.media.router import Route
from gateway.media.server import serve_media
from gateway.ops import serve_ops
from storage.errors import StorageUnavailableError
from storage.memory.storage import MemoryStorage
from storage.segment_keys import SegmentKeys
from subjects.memory import MemoryBus
from tests.unit.gateway_media.house import PIECE, TUS, Doorkeeper, House, create, head_of, running, until

CONFIG = GatewayConfig(api_url="http://api", media_url="http://media", signing_key=b"k" * 32)


def _free_port() -> int:
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        return port


async def _all_well() -> dict[str, str]:
    return {}


async def test_health_is_about_the_process(client: httpx2.AsyncClient, house: House) -> None:
    house.troubles["postgres"] = "no answer"
    assert (await client.get("/health")).json() == {"status": "ok"}


async def test_ready_names_what_is_missing(client: httpx2.AsyncClient, house: House) -> None:
    house.troubles |= {"nats": "", "postgres": "no answer"}
    answer = await client.get("/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/postgres"]


async def test_ready_is_said_as_the_api_says_it(client: httpx2.AsyncClient, house: House) -> None:
    house.troubles |= {"nats": ""}
    answer = await client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "degraded": []})


async def test_metrics_count_requests_by_route(client: httpx2.AsyncClient) -> None:
    await client.head("/uploads/x", headers=TUS)
    text = (await client.get("/metrics")).text
    assert 'truthtok_media_requests_total{method="HEAD",route="/uploads/{token}",status="404"}' in text


async def test_any_process_can_be_probed() -> None:
    port, stop = _free_port(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_ops(host="127.0.0.1", port=port, ready=_all_well, stop=stop))
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await until(lambda: _answers(client))
        stop.set()


async def _answers(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/ready")).status_code == 200
    except httpx2.TransportError:
        return False


async def test_a_busy_port_is_one_clear_line() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortBusyError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            await serve_ops(host="127.0.0.1", port=port, ready=_all_well, stop=asyncio.Event())


async def test_the_whole_plane_relays_what_it_promises() -> None:
    memory, bus, stop, port = MemoryStorage(), MemoryBus(), asyncio.Event(), _free_port()
    storage = memory.bundle()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            serve_media(
                CONFIG,
                storage,
                bus,
                identification=Doorkeeper(),
                limits=Unlimited(),
                segment_keys=SegmentKeys(),
                host="127.0.0.1",
                port=port,
                ready=_all_well,
                stop=stop,
            )
        )
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await until(lambda: _answers(client))
            await create(client, 0)
            await until(lambda: _has_news(bus))
        stop.set()


async def _has_news(bus: MemoryBus) -> bool:
    return len(bus.streams["EVENTS"].messages) == 1


async def test_a_short_signing_key_stops_the_start() -> None:
    config = replace(CONFIG, signing_key=b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        await serve_media(
            config,
            None,  # type: ignore[arg-type] # never looked at
            MemoryBus(),
            identification=Doorkeeper(),
            limits=Unlimited(),
            segment_keys=SegmentKeys(),
            host="127.0.0.1",
            port=0,
            ready=_all_well,
            stop=asyncio.Event(),
        )


async def test_a_running_upload_ends_well_during_the_drain(house: House) -> None:
    data = os.urandom(5000)
    async with running(house) as client:
        path = await create(client, len(data))
        told = {**PIECE, "Upload-Offset": "0", "Content-Length": str(len(data))}
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(head_of("PATCH", path, told) + data[:2500])
        await until(lambda: _stands_at(house, path, 2000))
        house.stop.set()
        await house.plane.leaving.wait()
        writer.write(data[2500:])
        assert (await reader.read()).startswith(b"HTTP/1.1 204")
        writer.close()
    assert await house.bytes_of(path) == data


async def test_an_upload_that_outlasts_the_drain_keeps_its_segments(house: House) -> None:
    house.config = replace(house.config, drain_seconds=0.05)
    async with running(house) as client:
        path = await create(client, 5000)
        told = {**PIECE, "Upload-Offset": "0", "Content-Length": "5000"}
        _, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(head_of("PATCH", path, told) + bytes(2500))
        await until(lambda: _stands_at(house, path, 2000))
    writer.close()
    assert (await house.upload(path)).offset_bytes == 2000


async def _stands_at(house: House, path: str, offset_bytes: int) -> bool:
    return (await house.upload(path)).offset_bytes == offset_bytes


async def test_a_draining_process_takes_no_new_connection(house: House) -> None:
    async with running(house) as client:
        await client.get("/health")
        house.stop.set()
        await until(lambda: _is_refused(house.port))


async def _is_refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it was in the backlog of a listener that is closing
        return False
    writer.close()
    return False


async def test_an_endless_answer_ends_with_the_drain() -> None:
    async def events(request: Request) -> Reply:
        async def lines():
            yield b"data: 1\n\n"
            await request.leaving.wait()
            yield b"data: bye\n\n"

        return Reply(200, {"Content-Type": "text/event-stream"}, ByteStream(lines()))

    house = House()
    async with running(house, Route("/events/{video_id}", {"GET": events})):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(head_of("GET", "/events/7"))
        await reader.readuntil(b"data: 1\n\n")
        house.stop.set()
        assert b"data: bye" in await reader.read()
        writer.close()


async def test_a_server_whose_task_is_cancelled_lets_go_of_its_port() -> None:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    serving = asyncio.create_task(serve_plane(Plane(()), listener, stop=asyncio.Event(), drain_seconds=5.0))
    await asyncio.sleep(0)
    serving.cancel()
    await asyncio.wait({serving})
    await until(lambda: _is_refused(port))


SIZE_BYTES = 50_000_000


async def _noise(ended: asyncio.Event, counted: list[int]) -> AsyncIterator[bytes]:
    try:
        for _ in range(SIZE_BYTES // 100_000):
            counted.append(100_000)
            yield bytes(100_000)
    finally:
        ended.set()


@pytest.mark.parametrize("size_bytes", [SIZE_BYTES, None])
async def test_a_client_that_leaves_a_stream_ends_it(size_bytes: int | None) -> None:
    ended = asyncio.Event()

    async def noise(_: Request) -> Reply:
        return Reply(200, {}, ByteStream(_noise(ended, []), size_bytes))

    house = House()
    async with running(house, Route("/noise", {"GET": noise})):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(head_of("GET", "/noise"))
        await reader.readexactly(500_000)
        writer.transport.abort()
        async with asyncio.timeout(10.0):
            await ended.wait()


async def test_a_slow_client_slows_its_source_down() -> None:
    ended, counted = asyncio.Event(), list[int]()

    async def noise(_: Request) -> Reply:
        return Reply(200, {}, ByteStream(_noise(ended, counted), SIZE_BYTES))

    house = House()
    async with running(house, Route("/noise", {"GET": noise})) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(head_of("GET", "/noise"))
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(50):
            await client.get("/health")
        assert sum(counted) < SIZE_BYTES
        assert not ended.is_set()
        assert len(await reader.read()) == SIZE_BYTES
        writer.close()


async def test_a_stream_that_breaks_off_ends_short() -> None:
    async def half(_: Request) -> Reply:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"abc"
            raise StorageUnavailableError("gone")

        return Reply(200, {}, ByteStream(chunks(), 6))

    house = House()
    async with running(house, Route("/half", {"GET": half})) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get("/half")
        assert (await client.get("/health")).status_code == 200
