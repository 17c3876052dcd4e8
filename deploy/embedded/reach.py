"""What an unprivileged user can reach when root starts the stack.

PostgreSQL refuses to run as root, so under root it runs as `nobody`; and `nobody` cannot pass a parent
directory like /root (mode 0700). Then its data and a copy of its binaries live where it can.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR, S_IXGRP, S_IXOTH, S_IXUSR

from deploy.child import get_account
from deploy.embedded.binaries import get_postgres_tree
from deploy.stack_errors import DataDirUnusableError

UNPRIVILEGED_USER = "nobody"
# /var/lib before /var/tmp: cleaners age files in /var/tmp one by one, which would eat a database.
ROOMS = (Path("/var/lib/truthtok"), Path("/var/tmp/truthtok"))  # noqa: S108 - see _owned_by_root


def find_postgres_user() -> str | None:
    """The user that Postgres must become: None unless this process is root."""
    return UNPRIVILEGED_USER if os.geteuid() == 0 else None


def can_enter(path: Path, user: str) -> bool:
    """Whether `user` may pass every directory of `path` and enter or execute the last one, by mode bits."""
    account = get_account(user)
    return all(_may_execute(part, account.pw_uid, account.pw_gid) for part in (path, *path.parents))


def _may_execute(path: Path, uid: int, gid: int) -> bool:
    status = path.stat()
    if status.st_uid == uid:
        return bool(status.st_mode & S_IXUSR)
    return bool(status.st_mode & (S_IXGRP if status.st_gid == gid else S_IXOTH))


def postgres_tree(user: str | None, rooms: Sequence[Path] = ROOMS, *, installed: Path | None = None) -> Path:
    """The PostgreSQL tree that `user` can execute: the installed one, or a copy made once per version."""
    tree = installed or get_postgres_tree()
    if user is None or can_enter(tree / "bin" / "postgres", user):
        return tree
    stamp = (tree / "bin" / "postgres").stat()
    fingerprint = sha256(f"{tree} {stamp.st_size} {stamp.st_mtime_ns}".encode()).hexdigest()[:16]
    return _copied(tree, make_room(rooms) / f"{tree.name}-{fingerprint}")


def _copied(tree: Path, copy: Path) -> Path:
    """Copy the tree and the shared libraries its rpath names, all or nothing; safe to run side by side."""
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=copy.parent))
        libraries = tree.parent.with_name(f"{tree.parent.name}.libs")
        for source in (tree, *([libraries] if libraries.exists() else [])):
            target = draft / source.relative_to(tree.parent.parent)
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        _open_to_all(draft)
        with suppress(OSError):  # somebody else was faster
            draft.rename(copy)
        shutil.rmtree(draft, ignore_errors=True)
    return copy / tree.parent.name / tree.name


def _open_to_all(draft: Path) -> None:
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if S_ISDIR(mode) or mode & S_IXUSR else 0o644)


def make_room(rooms: Sequence[Path] = ROOMS) -> Path:
    """A directory of root's that everybody may pass and only root may write; raises DataDirUnusableError."""
    for room in rooms:
        with suppress(OSError):
            room.mkdir(mode=0o755, exist_ok=True)
            if _owned_by_root(room) and can_enter(room, UNPRIVILEGED_USER):
                return room
    raise DataDirUnusableError(
        f"root needs one of {', '.join(map(str, rooms))} for PostgreSQL: make one writable"
    )


def _owned_by_root(room: Path) -> bool:
    """False for a directory that somebody else prepared under our name, with binaries of their own."""
    status = room.lstat()
    return S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022
