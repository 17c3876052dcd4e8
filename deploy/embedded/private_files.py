"""Passwords and configurations of the embedded servers, readable by their owner only."""

import json
import os
import secrets
from pathlib import Path


def remembered_password(file: Path) -> str:
    """The password in `file`, or a new one written there with mode 0600."""
    if not file.exists():
        write_private(file, secrets.token_urlsafe(24))
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    """Replace `file` at once by one that only its owner reads, and that a power loss leaves whole."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(descriptor)
    draft.replace(file)


def quoted(path: Path | str) -> str:
    """A path as a quoted string; nats-server and Redis read the escapes of JSON strings alike."""
    return json.dumps(str(path), ensure_ascii=False)
