"""What a process may do beyond its user's rights, given up. Of use where everything runs as root; Linux only.

See capabilities(7). SVT-AV1, for one, gives its threads and its caller the highest real-time priority
whenever it runs as root, and so stops everything else on the machine.
"""

import ctypes
import os
import sys
from typing import Final

DAC_OVERRIDE: Final = 1 << 1
DAC_READ_SEARCH: Final = 1 << 2
SYS_NICE: Final = 1 << 23
ALL: Final = (1 << 64) - 1
READING: Final = DAC_OVERRIDE | DAC_READ_SEARCH
"""So that root still reads originals that another user wrote."""

_VERSION_3: Final = 0x20080522
_PR_CAPBSET_DROP: Final = 24
_LOW: Final = (1 << 32) - 1


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def keep_capabilities(kept: int) -> None:
    """Give up every capability that is not in this set, for this thread and what it starts, for good.

    Does nothing where there are none to give up: for other users, and beside Linux. Raises OSError.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = _Header(_VERSION_3, 0), (_Data * 2)()
    _checked(libc.capget(ctypes.byref(header), data))
    for number in range(64):
        if not kept >> number & 1:
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # fails for whoever could not regain it anyway
    for half, mask in zip(data, (kept & _LOW, kept >> 32), strict=True):
        half.effective &= mask
        half.permitted &= mask
        half.inheritable &= mask
    _checked(libc.capset(ctypes.byref(header), data))


def _checked(result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
