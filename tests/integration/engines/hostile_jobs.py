"""Jobs that misbehave, for the sandbox's tests. They run in its children only."""

import ctypes
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from actors.engines.errors import BadMedia, Refusal
from actors.engines.sandbox.child import CHANNEL_FD

Report = Callable[[float, str], None]
FOREVER_SECONDS = 3600


class Ask(msgspec.Struct):
    text: str = ""
    number: int = 0


class Told(msgspec.Struct):
    text: str
    number: int = 0


def echo(request: Ask, report: Report) -> Told:
    return Told(request.text, request.number)


def report_twice(request: Ask, report: Report) -> Told:
    report(0.25, "quarter")
    time.sleep(0.15)
    report(2.0, "n" * 100_000)
    return Told("done")


def tell_surroundings(request: Ask, report: Report) -> Told:
    environment = sorted(set(os.environ) - {"LC_CTYPE"})
    links = [f"{path.name}={path.readlink()}" for path in sorted(Path("/proc/self/fd").iterdir())[:4]]
    return Told(f"{environment}|{links}")


def tell_limits(request: Ask, report: Report) -> Told:
    kinds = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE")
    return Told(str([resource.getrlimit(getattr(resource, kind))[0] for kind in kinds]))


def tell_pids(request: Ask, report: Report) -> Told:
    return Told(str(os.getppid()), os.getpid())


def refuse(request: Ask, report: Report) -> Told:
    raise BadMedia(Refusal.DAMAGED, "d" * 100_000)


def fail(request: Ask, report: Report) -> Told:
    raise RuntimeError("a defect of ours")


def eat_memory(request: Ask, report: Report) -> Told:
    return Told(str(len(bytearray(8 << 30))))


def eat_memory_slowly(request: Ask, report: Report) -> Told:
    kept = []
    while True:
        kept.append(bytearray(16 << 20))


def crash(request: Ask, report: Report) -> Told:
    ctypes.string_at(0)
    return Told("")


def hang(request: Ask, report: Report) -> Told:
    report(0.0, str(os.getpid()))
    time.sleep(FOREVER_SECONDS)
    return Told("")


def hang_deaf(request: Ask, report: Report) -> Told:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return hang(request, report)


def spin(request: Ask, report: Report) -> Told:
    while True:
        pass


def leave(request: Ask, report: Report) -> Told:
    os._exit(request.number)


def close_channel_and_hang(request: Ask, report: Report) -> Told:
    os.close(CHANNEL_FD)
    time.sleep(FOREVER_SECONDS)
    return Told("")


def write_much(request: Ask, report: Report) -> Told:
    with Path(request.text).open("wb") as file:
        while True:
            file.write(b"\0" * (1 << 20))


def open_many(request: Ask, report: Report) -> Told:
    kept = []
    while True:
        kept.append(Path("/dev/null").open())  # noqa: SIM115 - to run out of descriptors


def send_raw(request: Ask, report: Report) -> Told:
    with socket.socket(fileno=CHANNEL_FD) as channel:
        channel.sendall(bytes.fromhex(request.text))
        time.sleep(FOREVER_SECONDS)
    return Told("")


def flood(request: Ask, report: Report) -> Told:
    frame = msgspec.msgpack.encode({"type": "progress", "fraction": 0.5, "note": "x" * 1000})
    with socket.socket(fileno=CHANNEL_FD) as channel:
        while True:
            channel.sendall(len(frame).to_bytes(4) + frame)


def answer_nonsense(request: Ask, report: Report) -> list[int]:
    return [1, 2, 3]


def answer_much(request: Ask, report: Report) -> Told:
    return Told("x" * (8 << 20))


def tell_privileges(request: Ask, report: Report) -> Told:
    """Text is the effective and the bounding set in hex, number the scheduling policy asked for in vain."""
    lines = Path("/proc/self/status").read_text().splitlines()
    held = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))
    return Told(f"{held['CapEff']} {held['CapBnd']}", os.sched_getscheduler(0))
