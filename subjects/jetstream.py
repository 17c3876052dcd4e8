"""The bus over nats-server: the only module that knows nats-py.

`connect` opens a connection that mends itself for ever. What JetStream itself says and wants is beside this
file: `jetstream_bus.py`, and below it `pull.py`, `delivery.py`, `readback.py` and `tail.py` on `wire.py`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import choice, uniform
from ssl import SSLContext
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import Client, Server
from nats.aio.subscription import Subscription

from subjects.bus import BusRefusedError, BusUnavailableError
from subjects.jetstream_bus import JetStreamBus
from subjects.questions import DENIED, Questions
from subjects.wire import ANSWER_SECONDS, Heard, Line, OnHeard, Watcher

__all__ = ["JetStreamBus", "connect"]

logger = logging.getLogger(__name__)

LONGEST_RECONNECT_WAIT_SECONDS: Final = 1.0


class _Client(Client):
    """nats-py closes for good on error lines it has no case for, such as revoked access; this one goes on.

    It also drops, unclosed, the socket of a server that refused it; this one closes it.
    """

    async def _select_next_server(self) -> None:
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]
        await super()._select_next_server()

    async def _process_err(self, err_msg: str) -> None:
        if DENIED in err_msg or self.is_connecting:
            await super()._process_err(err_msg)
        else:
            error = nats.errors.Error(f"nats: {err_msg}")
            await self._error_cb(error)
            await self._process_op_err(error)


@dataclass(frozen=True, slots=True)
class _NatsLine:
    """A subscription of ours; see `subjects.wire.Line`."""

    prefix: str
    client: Client
    subscription: Subscription

    async def close(self) -> None:
        with suppress(nats.errors.Error):
            await self.subscription.unsubscribe()

    async def drain(self) -> None:
        if not self.client.is_connected:
            return await self.close()
        with suppress(nats.errors.Error, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.subscription.drain()  # type: ignore[no-untyped-call]
        return None


class NatsWire:
    """A nats-py connection as `subjects.wire.Wire`: one inbox for all answers, one subscription per line."""

    def __init__(self) -> None:
        self.client = _Client()
        self.questions = Questions()
        self.last_error = ""
        self._up = asyncio.Event()
        self._watchers: dict[Watcher, None] = {}

    @property
    def connected(self) -> bool:
        """Whether the connection stands at this moment."""
        return self._up.is_set() and self.client.is_connected

    async def open(self) -> None:
        """Listen for answers; the client is connected."""
        self.questions.inbox = self.client.new_inbox()
        await self.client.subscribe(f"{self.questions.inbox}.*", cb=self.questions.hear)
        self._up.set()

    async def send(self, subject: str, body: bytes = b"", *, reply: str = "") -> None:
        """Send and forget."""
        with suppress(nats.errors.Error):
            await self.client.publish(subject, body, reply=reply)

    async def ask(
        self,
        subject: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> Heard:
        """Send and return the one answer."""
        await self._stand_up(subject, timeout_seconds)
        with self.questions.asking(subject, timeout_seconds, many=False) as question:
            await self._put(subject, body, question.reply, headers)
            return (await question.answers)[0]

    async def ask_many(
        self, subject: str, body: bytes, *, timeout_seconds: float = ANSWER_SECONDS
    ) -> list[Heard]:
        """Send and return all answers up to a status message."""
        await self._stand_up(subject, timeout_seconds)
        with self.questions.asking(subject, timeout_seconds, many=True) as question:
            await self._put(subject, body, question.reply, None)
            return await question.answers

    async def open_line(self, on_heard: OnHeard, *, tokens: Literal[0, 1] = 1) -> Line:
        """Listen on a new line."""
        prefix = self.client.new_inbox()
        subscription = await self.client.subscribe(prefix + tokens * ".*", cb=on_heard)
        return _NatsLine(prefix, self.client, subscription)

    async def ping(self) -> float:
        """Return the seconds of one round trip."""
        await self._stand_up("ping", ANSWER_SECONDS)
        try:
            return await self.client.rtt(int(ANSWER_SECONDS))
        except nats.errors.Error as error:
            raise BusUnavailableError("NATS does not answer a ping") from error

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of every loss and return."""
        self._watchers[watcher] = None

    def unwatch(self, watcher: Watcher) -> None:
        """Tell it no more."""
        self._watchers.pop(watcher, None)

    async def on_disconnected(self) -> None:
        """nats-py lost the connection."""
        self._up.clear()
        self.questions.lose()
        for watcher in tuple(self._watchers):
            await watcher.lost()

    async def on_reconnected(self) -> None:
        """nats-py has another connection, with all subscriptions."""
        logger.info("connected to NATS again")
        self._up.set()
        for watcher in tuple(self._watchers):
            await watcher.back()

    async def on_error(self, error: Exception) -> None:
        """One line in the log; a denial fails whoever asked, who would otherwise see a mere timeout."""
        self.last_error = str(error) or type(error).__name__
        logger.log(logging.WARNING if self._up.is_set() else logging.DEBUG, "NATS: %s", self.last_error)
        self.questions.deny(self.last_error)

    async def _put(self, subject: str, body: bytes, reply: str, headers: dict[str, str] | None) -> None:
        try:
            await self.client.publish(subject, body, reply=reply, headers=headers)
        except nats.errors.OutboundBufferLimitError as error:
            raise BusUnavailableError(f"{subject}: not connected to NATS") from error
        except nats.errors.Error as error:  # too large, or no subject or header at all
            raise BusRefusedError(f"{subject}: {error or type(error).__name__}") from error

    async def _stand_up(self, subject: str, seconds: float) -> None:
        """Wait for a connection, so that an outage is waited out and nothing is sent late."""
        if self.connected:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._up.wait()
        except TimeoutError as error:
            raise BusUnavailableError(f"{subject}: not connected to NATS ({self.last_error})") from error


@asynccontextmanager
async def connect(
    servers: str | Sequence[str],
    *,
    name: str,
    seed: str | None = None,
    user: str | None = None,
    password: str | None = None,
    tls: SSLContext | None = None,
    connect_seconds: float = 10.0,
) -> AsyncIterator[JetStreamBus]:
    """Open a bus over one connection, drained at the end.

    `servers` are NATS URLs (a comma separates several); `seed` is the nkey seed of the user `name`, whose
    answers come to `_INBOX_<name>.>`. Raises BusUnavailableError when no server is reached in time and
    BusRefusedError when one is but does not let us in.
    """
    urls = servers.split(",") if isinstance(servers, str) else list(servers)
    wire = NatsWire()
    options: dict[str, Any] = {
        "name": name,
        "inbox_prefix": f"_INBOX_{name}",
        "nkeys_seed_str": seed,
        "user": user,
        "password": password,
        "tls": tls,
        "error_cb": wire.on_error,
        "disconnected_cb": wire.on_disconnected,
        "reconnected_cb": wire.on_reconnected,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.2,
        "reconnect_to_server_handler": _next_server,
        "ping_interval": 10,
        "drain_timeout": 5,
    }
    await _reach(wire, urls, options, connect_seconds)
    try:
        await wire.open()
        yield JetStreamBus(wire)
    finally:
        await _leave(wire.client)


async def _reach(wire: NatsWire, urls: list[str], options: dict[str, Any], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wire.client.connect(urls, **options)
    except TimeoutError as error:
        await wire.client.close()
        places = ", ".join(f"{parts.hostname}:{parts.port}" for parts in map(urlsplit, urls))
        text = f"no NATS connection to {places} within {seconds:g} s: {wire.last_error}"
        denied = "authorization" in wire.last_error.lower()
        raise (BusRefusedError(text) if denied else BusUnavailableError(text)) from error


async def _leave(client: Client) -> None:
    if client.is_connected:
        with suppress(nats.errors.Error, TimeoutError):
            await client.drain()
    await client.close()


def _next_server(servers: list[Server], _info: dict[str, Any]) -> tuple[Server, float]:
    """Any server, after a pause that grows to a second and differs between clients of a lost server."""
    chosen = choice(servers)  # noqa: S311 - spreading load is no secret
    longest = min(LONGEST_RECONNECT_WAIT_SECONDS, 0.05 * 2 ** min(chosen.reconnects, 5))
    return chosen, uniform(0.0, longest)  # noqa: S311 - the same
