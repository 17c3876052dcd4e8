"""What the runtime promises when a process or a server dies."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest

from actors.core.dead_letters import Undertaker
from subjects import dead_letters, video
from subjects.bus import Bus
from subjects.jetstream import connect
from tests.integration.runtime.test_promises import holds, running, stored, until
from tests.toy_actors import host_of, prepare, said, uploaded

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    async with connect(nats_url, name="test") as opened:
        await prepare(opened)
        yield opened


@asynccontextmanager
async def toy_process(nats_url: str, behaviour: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.toy_actors", nats_url, behaviour,
        cwd=ROOT, stdin=DEVNULL, stdout=PIPE,
    )  # fmt: skip
    try:
        assert await line_of(process) == "ready"
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def line_of(process: Process) -> str:
    assert process.stdout
    async with asyncio.timeout(15):
        return (await process.stdout.readline()).decode().strip()


async def test_work_of_a_killed_replica_restarts_elsewhere_within_the_ack_wait(
    bus: Bus, nats_url: str
) -> None:
    loop = asyncio.get_running_loop()
    async with toy_process(nats_url, "linger") as doomed:
        await bus.publish(said(uploaded(1)))
        assert await line_of(doomed) == "began 1 attempt 1"
        async with toy_process(nats_url, "answer") as other:
            doomed.kill()
            killed_at = loop.time()
            assert await line_of(other) == "did 1"
            assert loop.time() - killed_at < 4.0  # the toys' ack wait is 1 s; the rest is a busy machine
            await until(holds(bus, "EVENTS", video.PROBED.pattern(), 1))
    assert len(await stored(bus, "EVENTS", video.PROBED.pattern())) == 1


async def test_a_message_that_kills_its_process_lands_in_the_dead_letters_with_its_reason(
    bus: Bus, nats_url: str
) -> None:
    assert Undertaker.__doc__
    async with running(host_of(bus, undertaker=True)), AsyncExitStack() as stack:
        await bus.publish(said(uploaded(7)))
        for _ in range(3):
            toy = await stack.enter_async_context(toy_process(nats_url, "die"))
            assert await line_of(toy) == "dying of 7"
        # The server notices that the deliveries are used up when somebody asks for the next message.
        await stack.enter_async_context(toy_process(nats_url, "answer"))
        await until(holds(bus, "DEAD_LETTERS", "dead.>", 1))
        await until(holds(bus, "EVENTS", video.FAILED.pattern(), 1))
    (letter,) = await stored(bus, "DEAD_LETTERS", "dead.>")
    assert letter.subject == f"dead.prober.normal.{UUID(int=7)}"
    assert letter.headers[dead_letters.CODE] == "poison"
    assert letter.headers[dead_letters.ATTEMPTS] == "3"
    assert "process died" in letter.headers[dead_letters.REASON]


async def test_on_sigterm_running_work_ends_and_the_rest_is_left_for_others(bus: Bus, nats_url: str) -> None:
    async with toy_process(nats_url, "linger") as toy:
        for number in range(6):
            await bus.publish(said(uploaded(number)))
        began = {await line_of(toy) for _ in range(4)}
        toy.send_signal(signal.SIGTERM)
        toy.send_signal(signal.SIGUSR1)
        did = {await line_of(toy) for _ in range(4)}
        assert await line_of(toy) == "drained"
        assert await toy.wait() == 0
    assert began == {f"began {number} attempt 1" for number in range(4)}
    assert did == {f"did {number}" for number in range(4)}
    async with toy_process(nats_url, "answer") as other:
        assert {await line_of(other), await line_of(other)} == {"did 4", "did 5"}


async def test_work_that_outlasts_the_grace_period_is_given_back_at_once(bus: Bus, nats_url: str) -> None:
    async with toy_process(nats_url, "linger") as toy:
        await bus.publish(said(uploaded(1)))
        assert await line_of(toy) == "began 1 attempt 1"
        async with toy_process(nats_url, "answer") as other:
            toy.send_signal(signal.SIGTERM)
            assert await line_of(other) == "did 1"
        assert await toy.wait() == 0
