"""What an operator asks of a running service: what waits, and what was given up on."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from deploy.found_stack import find_stack
from deploy.render.permissions import ADMIN
from deploy.settings import Settings, SettingsError
from deploy.stack_errors import StackError
from subjects.bus import Bus, Stored
from subjects.dead_letters import ATTEMPTS, CODE, ORIGIN, REASON, STREAM, letters_pattern, replay
from subjects.jetstream import JetStreamBus, connect
from subjects.queues import queues

LONGEST_BODY: Final = 2000


@asynccontextmanager
async def connected(settings: Settings, data_dir: Path) -> AsyncIterator[JetStreamBus]:
    """Open the bus as its administrator: of NATS_URL, or else of the stack that runs on `data_dir`.

    Raises SettingsError when there is neither, and BusError.
    """
    url, seed = settings.nats_url, settings.nats_seed
    if url:
        settings.need("nats_url")
    elif stack := find_stack(data_dir):
        url, seed = stack.nats_url, stack.keys["seeds"][ADMIN]
    else:
        raise SettingsError(f"set NATS_URL, or run `truthtok up` first: no stack runs on {data_dir}")
    async with connect(url, name=ADMIN, seed=seed or None) as bus:
        yield bus


async def show_queues(settings: Settings, data_dir: Path) -> int:
    """Print what waits at each durable."""
    async with connected(settings, data_dir) as bus:
        table = Table("stream", "durable", "pending", "in flight", "redelivered", "oldest")
        for one in await queues(bus):
            age = "" if one.oldest_age_seconds is None else f"{one.oldest_age_seconds:.1f} s"
            counts = (str(one.pending), str(one.in_flight), str(one.redelivered))
            table.add_row(one.stream, one.durable, *counts, age)
    Console().print(table)
    return 0


async def dead_letters(action: str, ids: Sequence[int], settings: Settings, data_dir: Path) -> int:
    """List, show, replay or drop dead letters by their number. Raises StackError for an unknown number."""
    console = Console(highlight=False)
    async with connected(settings, data_dir) as bus:
        if action == "list":
            await print_letters(bus, console)
            return 0
        if not ids:
            raise StackError(f"give the numbers to {action}: see `truthtok dead-letters list`")
        for number in ids:
            letter = await bus.find(STREAM, number)
            if letter is None:
                raise StackError(f"there is no dead letter {number}")
            await act(action, bus, letter, console)
    return 0


async def print_letters(bus: Bus, console: Console) -> None:
    """Print one row for every dead letter."""
    table = Table("id", "died", "subject", "attempts", "code", "reason")
    async for letter in bus.history(STREAM, (letters_pattern(),)):
        told = [letter.headers.get(name, "") for name in (ORIGIN, ATTEMPTS, CODE, REASON)]
        table.add_row(str(letter.sequence), f"{letter.stored_at:%Y-%m-%d %H:%M:%S}", *told)
    console.print(table)


async def act(action: str, bus: Bus, letter: Stored, console: Console) -> None:
    """Show, replay or drop one dead letter."""
    if action == "show":
        for name, value in sorted(letter.headers.items()):
            console.print(f"{name}: {value}", markup=False)
        console.print(letter.body.decode(errors="replace")[:LONGEST_BODY], markup=False)
    elif action == "replay":
        await replay(bus, letter)
        console.print(f"{letter.sequence} is back at work")
    else:
        await bus.remove(STREAM, letter.sequence)
        console.print(f"{letter.sequence} dropped")
