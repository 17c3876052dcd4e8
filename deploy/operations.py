"""What an operator asks of a running service: what waits, and what was given up on."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from deploy.settings import Settings
from deploy.stack_errors import StackError
from subjects.bus import Bus, Stored
from subjects.dead_letters import ATTEMPTS, CODE, ORIGIN, REASON, STREAM, letters_pattern, replay
from subjects.jetstream import connect
from subjects.queues import queues

LONGEST_BODY: Final = 2000


async def show_queues(settings: Settings) -> int:
    """Print what waits at each durable."""
    settings.need("nats_url")
    async with connect(settings.nats_url, name="admin", seed=settings.nats_seed or None) as bus:
        table = Table("stream", "durable", "pending", "in flight", "redelivered", "oldest")
        for one in await queues(bus):
            age = "" if one.oldest_age_seconds is None else f"{one.oldest_age_seconds:.1f} s"
            counts = (str(one.pending), str(one.in_flight), str(one.redelivered))
            table.add_row(one.stream, one.durable, *counts, age)
    Console().print(table)
    return 0


async def dead_letters(action: str, ids: Sequence[int], settings: Settings) -> int:
    """List, show, replay or drop dead letters by their number. Raises StackError for an unknown number."""
    settings.need("nats_url")
    console = Console(highlight=False)
    async with connect(settings.nats_url, name="admin", seed=settings.nats_seed or None) as bus:
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
