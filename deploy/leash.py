"""Becomes the given command, as the given user, on a leash: it dies when the process that spawned it dies.

Run as a script: `python -I -S leash.py PARENT_PID DEATH_SIGNAL UID:GID|- COMMAND…`. A script and not
`preexec_fn`, because Python code between fork and exec can deadlock when the parent has threads. The order
matters: Linux forgets the death signal whenever credentials change (prctl(2), PR_SET_PDEATHSIG), so it is
asked for last.
"""

import ctypes
import os
import signal
import sys
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_COMMAND_NOT_RUN = 127


def _become(user: str) -> None:
    uid, gid = (int(part) for part in user.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with_parent(parent_pid: int, death_signal: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, death_signal)
    # The parent may have died before the request: then no signal will come.
    if os.getppid() != parent_pid:
        sys.exit("the process that started this one is gone")


def main(arguments: list[str]) -> NoReturn:
    """Replace this process by the command; exit 127 when that cannot be done."""
    parent_pid, death_signal, user, *command = arguments
    # Python ignores SIGPIPE at start, and what is ignored stays ignored across exec.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        if user != "-":
            _become(user)
        _die_with_parent(int(parent_pid), int(death_signal))
        os.execv(command[0], command)  # noqa: S606 - becoming the command is the purpose
    except OSError as error:
        print(f"cannot run {command[0]}: {error}", file=sys.stderr)
        sys.exit(_COMMAND_NOT_RUN)


if __name__ == "__main__":
    main(sys.argv[1:])
