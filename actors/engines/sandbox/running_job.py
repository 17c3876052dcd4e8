"""The sandbox's end of one child: its channel, its leash, and what its death means."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import NoReturn, Self

import msgspec

from actors.engines.errors import EngineError, JobFailed, JobKilled, JobSpent
from actors.engines.sandbox.forkserver import STATUS_BYTES
from actors.engines.sandbox.forkserver_process import ForkserverProcess
from actors.engines.sandbox.job_wire import (
    LENGTH_BYTES,
    MAX_FRAME_BYTES,
    MAX_OUTPUT_BYTES,
    FrameKind,
    Order,
    pack,
    unpack,
)

REAP_SECONDS = 5.0


@dataclass(slots=True)
class _Wire:
    """Both directions of one socket."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def over(cls, end: socket.socket) -> Self:
        end.settimeout(0)
        try:
            return cls(*await asyncio.open_unix_connection(sock=end))
        except BaseException:
            end.close()
            raise

    async def close(self) -> None:
        self.writer.transport.abort()  # what a dead child has not read must not keep us
        with suppress(OSError):  # a dead peer is no news here
            await self.writer.wait_closed()


@dataclass(slots=True)
class SandboxJob:
    """A running child. Use `start`; leaving the block kills the child if it still runs."""

    _channel: _Wire
    _leash: _Wire
    _received_bytes: int = field(default=0, init=False)

    @classmethod
    @asynccontextmanager
    async def start(cls, server: ForkserverProcess) -> AsyncIterator["SandboxJob"]:
        """Have a child forked; raises SandboxDown."""
        channel, far_channel = socket.socketpair()
        leash, far_leash = socket.socketpair()
        with far_channel, far_leash, channel, leash:
            await server.hand_over(far_channel, far_leash)
            far_channel.close()
            far_leash.close()
            async with _open(channel) as channel_wire, _open(leash) as leash_wire:
                job = cls(channel_wire, leash_wire)
                try:
                    yield job
                finally:
                    await job._end()

    async def send(self, order: Order) -> None:
        """Give the child its order; a child that died is noticed by `receive`."""
        with suppress(OSError):
            self._channel.writer.write(pack(order))
            await self._channel.writer.drain()

    async def receive(self) -> FrameKind:
        """The child's next frame; raises JobKilled, JobTimeout or JobFailed when there will be none."""
        try:
            size = int.from_bytes(await self._channel.reader.readexactly(LENGTH_BYTES))
            self._count(size)
            return unpack(await self._channel.reader.readexactly(size))
        except (asyncio.IncompleteReadError, OSError):
            await self._raise_death()
        except msgspec.DecodeError as error:
            raise JobFailed(f"the child answered nonsense: {error}") from error

    def _count(self, size: int) -> None:
        self._received_bytes += size
        if size > MAX_FRAME_BYTES or self._received_bytes > MAX_OUTPUT_BYTES:
            raise JobKilled("output", "the child sent more than a result can be")

    async def _raise_death(self) -> NoReturn:
        with suppress(asyncio.IncompleteReadError, OSError):
            raise death(int.from_bytes(await self._leash.reader.readexactly(STATUS_BYTES)))
        raise JobKilled("unknown", "the child could not be started, or the forkserver died")

    async def _end(self) -> None:
        """Let go of the leash, which kills a living child, and wait until it is reaped."""
        with suppress(OSError, RuntimeError):
            self._leash.writer.write_eof()
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(REAP_SECONDS):
                await self._leash.reader.read()


@asynccontextmanager
async def _open(end: socket.socket) -> AsyncIterator[_Wire]:
    wire = await _Wire.over(end)
    try:
        yield wire
    finally:
        await wire.close()


def death(wait_status: int) -> EngineError:
    """What a child's wait status says about the job."""
    if not os.WIFSIGNALED(wait_status):
        return JobKilled(f"exit {os.waitstatus_to_exitcode(wait_status)}", "the child left without a result")
    number = os.WTERMSIG(wait_status)
    if number == signal.SIGXCPU:
        return JobSpent("the job used up its processor time")
    return JobKilled(_signal_name(number), "the child was killed by a signal")


def _signal_name(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
