"""Makes a server match the declarations, and tells how the durables are doing. Runs on any wire.

Creating and updating is idempotent and may run in several processes at once: whoever comes second finds
what the first one made.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from subjects.bus import BusRefusedError
from subjects.queues import Queue, ask_admin, consumers, queues
from subjects.streams import Durable, Stream
from subjects.wire import ApiRefusedError, Wire

__all__ = ["Applied", "Queue", "apply", "queues"]

NO_STREAM: Final = 10059
NO_CONSUMER: Final = 10014
STREAM_EXISTS: Final = 10058
CONSUMER_EXISTS: Final = frozenset({10105, 10148})
_FIXED: Final = {"stream": ("retention", "storage"), "durable": ("deliver_policy", "ack_policy")}


@dataclass(slots=True)
class Applied:
    """What `apply` did: names of streams, and of durables as `STREAM.durable`."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    undeclared: list[str] = field(default_factory=list)
    """Durables that nobody declares any more: they hold back no message, but look like a backlog."""
    deleted: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything was done."""
        return bool(self.created or self.updated or self.deleted)


async def apply(
    wire: Wire,
    streams: Iterable[Stream],
    durables: Iterable[Durable],
    *,
    replicas: int = 1,
    delete_undeclared: bool = False,
) -> Applied:
    """Make the server match: create or update streams and durables.

    Raises BusRefusedError, before it changes the stream or durable in question, when only deleting it could
    make it match; what was done before stands. Undeclared durables of these streams are listed, and deleted
    only on request. Raises BusUnavailableError when the server does not answer: run it again.
    """
    applied, declared = Applied(), tuple(durables)
    for stream in streams:
        await _apply_stream(wire, stream, replicas, applied)
        existing = {one["name"]: one for one in await consumers(wire, stream.name)}
        mine = {durable.name: durable for durable in declared if durable.stream == stream.name}
        for durable in mine.values():
            config = existing.get(durable.name, {}).get("config")
            await _apply_durable(wire, durable, config, applied)
        for name, info in existing.items():
            if name not in mine and info["config"].get("durable_name"):
                await _leave_or_delete(wire, stream.name, name, applied, delete=delete_undeclared)
    return applied


def differences(declared: dict[str, Any], current: dict[str, Any]) -> set[str]:
    """Return the names of declared values that the server has otherwise (it leaves out zero and false)."""
    return {
        key for key, value in declared.items() if value != current.get(key) and (value or current.get(key))
    }


async def _apply_stream(wire: Wire, stream: Stream, replicas: int, applied: Applied) -> None:
    wanted = stream.configuration(replicas)
    current = await _stream_config(wire, stream.name)
    if current is None:
        try:
            await ask_admin(wire, f"STREAM.CREATE.{stream.name}", wanted)
        except ApiRefusedError as error:
            if error.code != STREAM_EXISTS:
                raise
            current = await _stream_config(wire, stream.name) or {}
        else:
            applied.created.append(stream.name)
            return
    if changes := differences(wanted, current):
        _refuse_destruction("stream", stream.name, changes, wanted, current)
        await ask_admin(wire, f"STREAM.UPDATE.{stream.name}", {**current, **wanted})
        applied.updated.append(stream.name)


async def _apply_durable(
    wire: Wire, durable: Durable, current: dict[str, Any] | None, applied: Applied
) -> None:
    wanted, label = durable.configuration(), f"{durable.stream}.{durable.name}"
    if current is None:
        try:
            await _put_durable(wire, durable, wanted, action="create")
        except ApiRefusedError as error:
            if error.code not in CONSUMER_EXISTS:
                raise
            current = (await ask_admin(wire, f"CONSUMER.INFO.{label}"))["config"]
        else:
            applied.created.append(label)
            return
    if changes := differences(wanted, current or {}):
        _refuse_destruction("durable", label, changes, wanted, current or {})
        await _put_durable(wire, durable, {**(current or {}), **wanted}, action="update")
        applied.updated.append(label)


def _refuse_destruction(
    kind: str, name: str, changes: set[str], wanted: dict[str, Any], current: dict[str, Any]
) -> None:
    for key in _FIXED[kind]:
        if key in changes:
            raise BusRefusedError(
                f"{kind} {name} has {key} {current.get(key)!r}, declared is {wanted[key]!r}: this cannot be"
                " changed in place; delete it (and what it holds) or declare it as it is"
            )


async def _put_durable(wire: Wire, durable: Durable, config: dict[str, Any], *, action: str) -> None:
    request = {"stream_name": durable.stream, "config": config, "action": action}
    await ask_admin(wire, f"CONSUMER.CREATE.{durable.stream}.{durable.name}", request)


async def _leave_or_delete(wire: Wire, stream: str, name: str, applied: Applied, *, delete: bool) -> None:
    if not delete:
        applied.undeclared.append(f"{stream}.{name}")
        return
    try:
        await ask_admin(wire, f"CONSUMER.DELETE.{stream}.{name}")
    except ApiRefusedError as error:
        if error.code != NO_CONSUMER:
            raise
    applied.deleted.append(f"{stream}.{name}")


async def _stream_config(wire: Wire, name: str) -> dict[str, Any] | None:
    try:
        config: dict[str, Any] = (await ask_admin(wire, f"STREAM.INFO.{name}"))["config"]
    except ApiRefusedError as error:
        if error.code == NO_STREAM:
            return None
        raise
    return config
