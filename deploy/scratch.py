"""A process's folder for working files, and the removal of those whose processes were killed.

Working files are plain copies of what people sent, also where everything else is sealed. A process that ends
removes its folder; for one that was killed the next process does: the lock on a folder ends with its holder.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PREFIX: Final = "truthtok-scratch-"
_TRIES: Final = 3


@contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """Give an empty folder, removed on leaving, and remove those that killed processes left beside it.

    `parent`: where, else the system's folder for temporary files. Raises OSError when it is not writable.
    """
    place = Path(parent or tempfile.gettempdir())
    remove_abandoned(place)
    folder, held = _made(place)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def _made(place: Path) -> tuple[Path, int | None]:
    """Return a new folder and what holds its lock: None where the file system knows no locks.

    Until it is locked, another process may take it for abandoned: then there is another one.
    """
    for _ in range(_TRIES):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        held = _locked(folder)
        if held is not None and folder.exists():
            return folder, held
        if held is not None:
            os.close(held)
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=place)), None


def remove_abandoned(place: Path) -> None:
    """Remove folders that nobody holds. Another user's stay: they cannot be opened."""
    for folder in place.glob(f"{PREFIX}*"):
        held = _locked(folder)
        if held is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(held)


def _locked(folder: Path) -> int | None:
    """Return a descriptor that holds the folder's lock, or None when it cannot be had."""
    with suppress(OSError):
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(held)
            return None
        return held
    return None
