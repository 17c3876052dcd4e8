"""Actors that do nothing but behave in one way, and a process that runs them.

    python tests/toy_actors.py NATS_URL BEHAVIOUR

The process prints one line for each thing a test may wait for.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import uvloop

from actors.core.actor import Actor, Delivery, Facts, durables_of
from actors.core.context import Context
from actors.core.dead_letters import ADVISORY_DURABLE
from actors.core.host import Host, actor_intake, undertaker_intake
from subjects import stage, video
from subjects.administration import apply
from subjects.bus import Bus
from subjects.codec import Envelope, seal
from subjects.jetstream import JetStreamBus, connect
from subjects.media import Metadata
from subjects.message import Message, Priority
from subjects.streams import STREAMS
from subjects.video import VideoProbed, VideoReady, VideoUploaded

Handler = Callable[[Any, Context], Coroutine[Any, Any, tuple[Message, ...]]]
METADATA = Metadata(
    duration_seconds=1.0,
    format="mp4",
    size_bytes=1,
    width_px=2,
    height_px=2,
    fps=1.0,
    codec="h264",
    bitrate_bps=1,
)


def uploaded(number: int) -> VideoUploaded:
    """Return the fact that video `number` is uploaded."""
    return VideoUploaded(
        video_id=UUID(int=number), key="k", size_bytes=1, sha256="0" * 64, content_type="video/mp4"
    )


def probed(video_id: UUID) -> VideoProbed:
    """Return what a toy prober says."""
    return VideoProbed(video_id=video_id, key="k", sha256="0" * 64, metadata=METADATA)


def said(message: Message, *, priority: Priority = Priority.NORMAL, name: str = "") -> Envelope:
    """Return a message in its envelope, under an id of its own unless given."""
    return seal(
        message,
        message_id=name or f"{type(message).__name__}-{message.video_id}-{priority}",
        priority=priority,
    )


@dataclass(frozen=True, slots=True)
class Toy(Actor[VideoUploaded, Message]):
    """Takes the prober's place; does what its handler does."""

    name: ClassVar = "prober"
    consumes: ClassVar = (video.UPLOADED,)
    produces: ClassVar = (video.PROBED,)
    delivery: ClassVar = Delivery(ack_wait=1.0, max_deliver=3, concurrency=4)

    does: Handler

    async def handle(self, event: VideoUploaded, ctx: Context) -> tuple[Message, ...]:
        return await self.does(event, ctx)


@dataclass(frozen=True, slots=True)
class SingleToy(Toy):
    """The same with one slot."""

    delivery: ClassVar = Delivery(ack_wait=5.0, max_deliver=3, concurrency=1)


@dataclass(frozen=True, slots=True)
class JoiningToy(Actor[Facts, VideoReady]):
    """Waits for two facts."""

    name: ClassVar = "joiner"
    joins: ClassVar = ((video.PROBED,), (video.THUMBNAILED, stage.SKIPPED.at("thumbnailer")))
    produces: ClassVar = (video.READY,)
    delivery: ClassVar = Delivery(ack_wait=1.0, max_deliver=3, concurrency=4)

    does: Handler

    async def handle(self, event: Facts, ctx: Context) -> tuple[VideoReady, ...]:
        return await self.does(event, ctx)  # type: ignore[return-value]


class EveryStage:
    """Keeps the outcome of any stage, as if every video were there."""

    async def settle(self, *_outcome: object) -> bool:
        return True


async def prepare(bus: JetStreamBus) -> None:
    """Make the streams and the durables of the toys."""
    await apply(bus.wire, STREAMS, (*durables_of(Toy), *durables_of(JoiningToy), ADVISORY_DURABLE))


def host_of(
    bus: Bus, *actors: Actor[Any, Message], undertaker: bool = False, grace_seconds: float = 2.0
) -> Host:
    """Return a host that runs the actors."""
    stages = EveryStage()
    intakes = [actor_intake(actor, bus, stages) for actor in actors]
    if undertaker:
        intakes.append(undertaker_intake(bus, stages))
    return Host(intakes, grace_seconds)


GO_ON = asyncio.Event()


async def _answer(event: VideoUploaded, _ctx: Context) -> tuple[Message, ...]:
    print(f"did {event.video_id.int}", flush=True)
    return (probed(event.video_id),)


async def _die(event: VideoUploaded, _ctx: Context) -> tuple[Message, ...]:
    print(f"dying of {event.video_id.int}", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


async def _linger(event: VideoUploaded, ctx: Context) -> tuple[Message, ...]:
    """Work until SIGUSR1 says otherwise, giving signs of life."""
    print(f"began {event.video_id.int} attempt {ctx.attempt}", flush=True)
    while not GO_ON.is_set():
        await ctx.progress(0.5, "lingering")
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await GO_ON.wait()
    return await _answer(event, ctx)


BEHAVIOURS: dict[str, Handler] = {"answer": _answer, "die": _die, "linger": _linger}


async def _main(nats_url: str, behaviour: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, GO_ON.set)
    async with connect(nats_url, name="toy") as bus:
        print("ready", flush=True)
        await host_of(bus, Toy(BEHAVIOURS[behaviour])).run(stop)
    print("drained", flush=True)


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:3]))
