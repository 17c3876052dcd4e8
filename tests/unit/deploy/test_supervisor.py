import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.child import Child
from deploy.process_table import find_birth
from deploy.stack_errors import ChildFailedError
from deploy.supervisor import StoppedBySignal, Supervisor, supervise

PATH = {"PATH": "/usr/bin:/bin"}


def shell(name: str, script: str, **options: object) -> Child:
    return Child(name=name, argv=("/bin/sh", "-c", script), env=PATH, **options)


def forever(name: str, **options: object) -> Child:
    return shell(name, "exec sleep 600", **options)


def gone(*pids: int) -> bool:
    return not any(find_birth(pid) for pid in pids)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_children_run_until_the_body_ends(tmp_path: Path) -> None:
    async with supervise(tmp_path) as supervisor:
        await supervisor.start(forever("one"), forever("two"))
        pids = list(supervisor.pids.values())
        assert len(pids) == 2
        assert not gone(pids[0])
    assert gone(*pids)


async def test_the_run_file_names_pids_and_ports_while_they_run(tmp_path: Path) -> None:
    async with supervise(tmp_path) as supervisor:
        supervisor.ports["http"] = 8000
        await supervisor.start(forever("one"))
        run = json.loads((tmp_path / "run.json").read_text())
        assert run["pids"] == supervisor.pids
        assert run["ports"] == {"http": 8000}
        assert run["supervisor"] == os.getpid()
    assert not (tmp_path / "run.json").exists()


async def test_a_killed_child_starts_again(tmp_path: Path) -> None:
    async with supervise(tmp_path) as supervisor:
        await supervisor.start(forever("one"))
        first = supervisor.pids["one"]
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.pids.get("one", first) != first)
        await supervisor.serving("one")
        assert json.loads((tmp_path / "run.json").read_text())["pids"] == supervisor.pids


async def start(data_dir: Path, *children: Child) -> None:
    async with supervise(data_dir, max_failed_starts=1) as supervisor:
        for child in children:
            await supervisor.start(child)


async def never() -> bool:
    return False


async def test_a_child_that_cannot_start_ends_the_stack_with_the_tail_of_its_log(tmp_path: Path) -> None:
    broken = shell("broken", "echo no such table; exit 3", ready=never)
    with pytest.raises(ChildFailedError) as failure:
        await start(tmp_path, broken)
    first_line, *log = str(failure.value).splitlines()
    assert first_line == "broken does not start: it ended 2 times, the last time with 3"
    assert log == ["no such table"] * 2


async def test_a_child_that_cannot_start_takes_the_others_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    async def noted() -> bool:
        return note.exists() and note.read_text().endswith("\n")

    healthy = shell("healthy", f"echo $$ > {note}; exec sleep 600", ready=noted)
    with pytest.raises(ChildFailedError):
        await start(tmp_path, healthy, shell("broken", "exit 3", ready=never))
    assert gone(int(note.read_text()))


async def test_a_child_that_runs_but_never_answers_ends_the_stack(tmp_path: Path) -> None:
    with pytest.raises(ChildFailedError, match=r"silent does not start: no answer within 0.05 s"):
        await start(tmp_path, forever("silent", ready=never, ready_seconds=0.05))


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChildFailedError, match="cannot run /no/such/program"):
        await start(tmp_path, Child(name="absent", argv=("/no/such/program",), env={}, ready=never))


async def test_later_phases_stop_before_earlier_ones(tmp_path: Path) -> None:
    order = tmp_path / "order"

    def reporting(name: str) -> Child:
        script = (
            f"trap 'echo {name} >> {order}; exit' TERM; touch {tmp_path}/{name}; while :; do sleep 0.01; done"
        )

        async def trapped() -> bool:
            return (tmp_path / name).exists()

        return shell(name, script, ready=trapped)

    async with supervise(tmp_path) as supervisor:
        for name in ("server", "gateway", "actor"):
            await supervisor.start(reporting(name))
    assert order.read_text().split() == ["actor", "gateway", "server"]


async def test_a_child_that_ignores_its_stop_signal_is_killed_after_the_grace(tmp_path: Path) -> None:
    async with supervise(tmp_path) as supervisor:
        await supervisor.start(shell("stubborn", "trap '' TERM; exec sleep 600", grace_seconds=0.05))
        pid = supervisor.pids["stubborn"]
    assert gone(pid)


async def test_what_a_child_leaves_in_its_process_group_is_killed_with_it(tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    script = f"sleep 600 & echo $! > {note}.draft; mv {note}.draft {note}; exec sleep 600"

    async def noted() -> bool:
        return note.exists()

    async with supervise(tmp_path) as supervisor:
        await supervisor.start(shell("parent", script, ready=noted))
        grandchild = int(note.read_text())
    await until(lambda: gone(grandchild))


async def test_an_error_of_the_body_comes_out_as_it_is_and_leaves_no_child(tmp_path: Path) -> None:
    seen: list[int] = []

    async def body() -> None:
        async with supervise(tmp_path) as supervisor:
            await supervisor.start(forever("one"))
            seen.extend(supervisor.pids.values())
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await body()
    assert seen
    assert gone(*seen)


async def test_a_cancelled_body_leaves_no_child(tmp_path: Path) -> None:
    seen: list[int] = []

    async def body() -> None:
        async with supervise(tmp_path) as supervisor:
            await supervisor.start(forever("one"))
            seen.extend(supervisor.pids.values())
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await until(lambda: seen)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(*seen)


@asynccontextmanager
async def stoppable(data_dir: Path, child: Child) -> AsyncIterator[Supervisor]:
    async with supervise(data_dir, handle_signals=True) as supervisor:
        await supervisor.start(child)
        yield supervisor


async def signal_when(condition: Callable[[], object], number: signal.Signals) -> None:
    await until(condition)
    os.kill(os.getpid(), number)


async def test_a_signal_ends_the_body_and_then_the_children(tmp_path: Path) -> None:
    seen: list[int] = []

    async def body() -> None:
        async with stoppable(tmp_path, forever("one")) as supervisor:
            seen.extend(supervisor.pids.values())
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()

    with pytest.raises(StoppedBySignal) as stop:
        await body()
    assert stop.value.code == 0
    assert seen
    assert gone(*seen)


async def test_a_signal_ends_a_stack_that_still_starts(tmp_path: Path) -> None:
    async def body() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(signal_when((tmp_path / "run.json").exists, signal.SIGINT))
            async with stoppable(tmp_path, forever("slow", ready=never)):
                raise AssertionError("it never answers")

    with pytest.raises(StoppedBySignal):
        await body()


async def test_the_second_signal_kills_without_grace(tmp_path: Path) -> None:
    script = f"trap 'touch {tmp_path}/asked' TERM; touch {tmp_path}/up; while :; do sleep 0.01; done"

    async def trapped() -> bool:
        return (tmp_path / "up").exists()

    stubborn = shell("stubborn", script, ready=trapped, grace_seconds=60)

    async def body() -> None:
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(10):
            tasks.create_task(signal_when((tmp_path / "asked").exists, signal.SIGINT))
            async with stoppable(tmp_path, stubborn):
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.Event().wait()

    with pytest.raises(StoppedBySignal):
        await body()


async def test_two_children_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two children are named one"):
        await start(tmp_path, forever("one"), forever("one"))


async def test_a_long_log_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "one.log"
    log.parent.mkdir()
    log.write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    async with supervise(tmp_path) as supervisor:
        await supervisor.start(forever("one"))
    assert log.stat().st_size == 0
    assert log.with_suffix(".log.1").exists()


async def test_a_child_sees_only_the_environment_it_was_given(tmp_path: Path) -> None:
    async def written() -> bool:
        return "PATH" in (tmp_path / "logs" / "one.log").read_text()

    async with supervise(tmp_path) as supervisor:
        await supervisor.start(shell("one", "env; exec sleep 600", ready=written))
    assert "HOME=" not in (tmp_path / "logs" / "one.log").read_text()
