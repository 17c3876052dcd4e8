"""What the runtime costs: messages a second through an actor, beside the bus alone, in one run.

    python bench/runtime.py [MESSAGES]

Both read the same messages from a real nats-server and publish one for each: the bare loop with nothing
but pull, publish and ack; the actor with all that the runtime does for it. The quotient is what to look at.
"""

import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from actors.core.actor import durables_of
from deploy.embedded import Embedded
from subjects.bus import Delivery
from subjects.codec import Envelope
from subjects.jetstream import JetStreamBus, connect
from tests.toy_actors import Toy, host_of, prepare, probed, said, uploaded

SLOTS = 64
LATENCY_SAMPLES = 300


class WideToy(Toy):
    """A toy with enough slots to keep the bus busy."""

    delivery = type(Toy.delivery)(ack_wait=30.0, max_deliver=3, concurrency=SLOTS)


async def fill(bus: JetStreamBus, messages: int, start: int) -> None:
    """Publish the messages to be handled."""
    for first in range(start, start + messages, 256):
        batch = range(first, min(first + 256, start + messages))
        await asyncio.gather(*(bus.publish(said(uploaded(number))) for number in batch))


async def bare(bus: JetStreamBus, messages: int) -> float:
    """Pull, publish and ack without the runtime; return seconds."""
    durable = next(one for one in durables_of(Toy) if one.name == "prober-normal" and one.stream == "EVENTS")
    done = asyncio.Event()
    left = messages
    running: set[asyncio.Task[Any]] = set()

    async def carry(delivery: Delivery) -> None:
        nonlocal left
        subject = delivery.stored.subject.replace("uploaded", "rejected")
        await bus.publish(
            Envelope(subject, delivery.stored.body, {"Nats-Msg-Id": f"bare-{delivery.stored.sequence}"})
        )
        await delivery.ack()
        left -= 1
        if left == 0:
            done.set()
        await inlet.request(1, 5.0)

    def on_delivery(delivery: Delivery) -> None:
        task = asyncio.ensure_future(carry(delivery))
        running.add(task)
        task.add_done_callback(running.discard)

    inlet = await bus.open_inlet(durable, on_delivery, lambda _count: None)
    began = time.perf_counter()
    await inlet.request(SLOTS, 5.0)
    await done.wait()
    seconds = time.perf_counter() - began
    await inlet.close()
    return seconds


async def through_the_actor(bus: JetStreamBus, messages: int, start: int) -> float:
    """Let an actor handle as many; return seconds."""
    done, stop = asyncio.Event(), asyncio.Event()
    left = messages

    async def does(event: Any, _ctx: Any) -> tuple[Any, ...]:
        nonlocal left
        left -= 1
        if left == 0:
            done.set()
        return (probed(event.video_id),)

    await fill(bus, messages, start)
    began = time.perf_counter()
    host = asyncio.ensure_future(host_of(bus, WideToy(does)).run(stop))
    await done.wait()
    seconds = time.perf_counter() - began
    stop.set()
    await host
    return seconds


async def latencies(bus: JetStreamBus, start: int) -> list[float]:
    """Return the seconds from publishing a message to hearing the idle actor's answer, one at a time."""
    stop = asyncio.Event()

    async def does(event: Any, _ctx: Any) -> tuple[Any, ...]:
        return (probed(event.video_id),)

    host = asyncio.ensure_future(host_of(bus, WideToy(does)).run(stop))
    measured = []
    async with bus.tail("EVENTS", ("video.probed.>",)) as answers:
        for number in range(start, start + LATENCY_SAMPLES):
            began = time.perf_counter()
            await bus.publish(said(uploaded(number)))
            await anext(answers)
            measured.append(time.perf_counter() - began)
    stop.set()
    await host
    return measured


async def main(messages: int) -> None:
    """Run and print."""
    logging.getLogger("truthtok.journal").setLevel(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="truthtok-bench-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        async with Embedded(Path(directory)) as servers, connect(servers.nats_url, name="bench") as bus:
            await prepare(bus)
            await fill(bus, messages, 0)
            alone = await bare(bus, messages)
            within = await through_the_actor(bus, messages, messages)
            waits = sorted(await latencies(bus, 2 * messages))
    print(f"bus alone        {messages / alone:8.0f} messages/s")
    print(f"through an actor {messages / within:8.0f} messages/s, {within / alone:.2f} x the time")
    p50_ms, p99_ms = (1000 * waits[int(len(waits) * share)] for share in (0.5, 0.99))
    print(f"idle latency     p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms from publish to answer")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
