"""What the operating system says about a process that is not our child."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process has this pid now, whoever it is; a zombie counts as alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def find_birth(pid: int) -> str | None:
    """A token that tells this process from a later one with the same pid; None when it is gone."""
    if sys.platform != "linux":
        return _ask_ps(pid, "lstart=")
    with suppress(OSError):
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if state in "ZX" else fields[18]  # field 22 of proc(5): starttime
    return None


def find_program(pid: int) -> str | None:
    """The name of the program that the process runs, or None when it is gone."""
    if sys.platform != "linux":
        return Path(_ask_ps(pid, "comm=") or "").name or None
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return None


def _ask_ps(pid: int, column: str) -> str | None:
    command = ["/bin/ps", "-o", column, "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None  # noqa: S603
