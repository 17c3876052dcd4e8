"""Says in plain words what is wrong with a set-up, and what to do about it."""

import json
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from deploy.embedded import binaries
from deploy.foundations import APPLY, missing_durables
from deploy.keyring import KEYS_FILE
from deploy.ports import open_ports, reachable
from deploy.process_table import is_alive
from deploy.safety import Finding, exposure_findings, key_findings
from deploy.settings import Settings, SettingsError
from deploy.stack_errors import StackError
from storage.errors import StorageError
from storage.postgres.confinement import find_freedom
from subjects.bus import BusError

FREE_BYTES_WANTED: Final = 2 * 1024**3
OLDEST_PYTHON: Final = (3, 11)
WELL: Final = {"migrations": "all applied", "streams": "all there"}
CONFINED: Final = "the database user is held to row-level security"
DURABLES: Final = "durables: all there"


async def doctor(settings: Settings, data_dir: Path) -> int:
    """Print one line per finding; exit code 1 when something is wrong."""
    ill, said = 0, set[str]()
    async for well, sentence in findings(settings, data_dir):
        if sentence in said:  # a setting is looked at here, and again by whoever needs it
            continue
        said.add(sentence)
        ill += not well
        print(f"{'ok   ' if well else 'WRONG'} {sentence}")
    print("nothing is wrong" if not ill else f"{ill} to mend")
    return 1 if ill else 0


async def findings(settings: Settings, data_dir: Path) -> AsyncIterator[Finding]:
    """Yield everything there is to say of this machine and these settings."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield sys.version_info >= OLDEST_PYTHON, f"Python {version} (3.11 or newer is needed)"
    distributed = bool(settings.database_url or settings.nats_url or settings.redis_url)
    for finding in (*key_findings(settings, is_distributed=distributed), *exposure_findings(settings)):
        yield finding
    if distributed:
        async for finding in servers(settings):
            yield finding
        return
    for finding in (*embedded(), *data_directory(data_dir), *ports(settings, data_dir)):
        yield finding


def embedded() -> list[Finding]:
    """Look for the binaries of the embedded servers."""
    found = []
    for name, get in (
        ("nats-server", binaries.get_nats_server),
        ("PostgreSQL", binaries.get_postgres_tree),
        ("Redis", binaries.get_redis_server),
    ):
        try:
            found.append((True, f"{name} is installed at {get()}"))
        except StackError as error:
            found.append((False, str(error)))
    return found


def data_directory(data_dir: Path) -> list[Finding]:
    """Look at the data directory: writable, roomy, and whether a stack runs on it."""
    place = next(one for one in (data_dir, *data_dir.parents) if one.exists())
    try:
        probe = place / ".truthtok-doctor"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return [(False, f"the data directory {data_dir} cannot be written: {error.strerror}")]
    free_bytes = shutil.disk_usage(place).free
    roomy = free_bytes >= FREE_BYTES_WANTED
    found = [(roomy, f"{free_bytes / 1024**3:.1f} GiB are free for {data_dir} (2 or more are wanted)")]
    keys = data_dir / KEYS_FILE
    if keys.exists() and keys.stat().st_mode & 0o077:
        found.append((False, f"{keys} can be read by others: chmod 600 {keys}"))
    with suppress(OSError, ValueError, KeyError):
        run = json.loads((data_dir / "run.json").read_text())
        if is_alive(run["supervisor"]):
            found.append((True, f"a stack runs on it, pid {run['supervisor']}: {', '.join(run['pids'])}"))
    return found


def ports(settings: Settings, data_dir: Path) -> list[Finding]:
    """Look whether the two public ports can be had."""
    if (data_dir / "run.json").exists():
        return []
    found = []
    for variable, port in (("TRUTHTOK_PORT", settings.port), ("TRUTHTOK_MEDIA_PORT", settings.media_port)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
                found.append((True, f"port {port} of {settings.host} is free"))
            except OSError as error:
                found.append((False, f"port {port} of {settings.host}: {error.strerror}; set {variable}"))
    return found


def unfit_settings(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with the settings that every process of a distributed service needs."""
    public = [name for name in ("api_url", "media_url") if getattr(settings, name)]
    for field in ("database_url", "redis_url", "nats_url", "objects", *public):
        try:
            settings.need(field)
        except SettingsError as error:
            yield str(error)


async def servers(settings: Settings) -> AsyncIterator[Finding]:
    """Ask every configured server, once its URL can be one."""
    unfit = list(unfit_settings(settings))
    for sentence in unfit:
        yield False, sentence
    if unfit:
        return
    from deploy.provisioning import all_durables  # noqa: PLC0415 - loads every actor

    try:
        async with open_ports(settings, "admin") as has:
            for name, trouble in (await reachable(has, cache=True)).items():
                yield not trouble, f"{name}: {trouble or WELL.get(name, 'answers')}"
            freedom = await find_freedom(settings.database_url)
            yield True, f"{freedom}, or take it for `truthtok migrate` alone" if freedom else CONFINED
            missing = await missing_durables(has.bus.wire, all_durables())
            yield not missing, f"durables: {', '.join(missing)} missing: {APPLY}" if missing else DURABLES
    except (StackError, StorageError, BusError) as error:
        yield False, str(error)
