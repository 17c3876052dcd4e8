import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def data_dir(server_binaries: None, quickest_directory: str | None) -> Iterator[Path]:
    """An empty directory that an unprivileged Postgres can reach, with a name that needs quoting."""
    with tempfile.TemporaryDirectory(prefix='truthtok "quoted" ', dir=quickest_directory) as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture
def needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives Postgres to another user")
