import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.binaries import get_postgres_tree
from deploy.embedded.cluster import postgres_room
from deploy.embedded.reach import UNPRIVILEGED_USER, can_enter, make_room, postgres_tree
from deploy.stack_errors import DataDirUnusableError

pytestmark = pytest.mark.usefixtures("needs_root", "server_binaries")


@pytest.fixture
def rooms(data_dir: Path) -> list[Path]:
    return [data_dir / "rooms"]


@pytest.fixture
def closed() -> Iterator[Path]:
    """A data directory of root's that nobody else can reach."""
    with tempfile.TemporaryDirectory(prefix="truthtok-closed-") as directory:
        yield Path(directory)


def test_a_directory_below_a_closed_one_cannot_be_entered(data_dir: Path) -> None:
    inner = data_dir / "inner"
    inner.mkdir()
    assert can_enter(inner, UNPRIVILEGED_USER)
    data_dir.chmod(0o700)
    assert not can_enter(inner, UNPRIVILEGED_USER)


def test_an_owner_may_enter_what_is_closed_to_others(data_dir: Path) -> None:
    inner = data_dir / "inner"
    inner.mkdir(mode=0o700)
    shutil.chown(inner, UNPRIVILEGED_USER)
    assert can_enter(inner, UNPRIVILEGED_USER)


def test_postgres_keeps_its_data_below_a_directory_it_can_reach(data_dir: Path, rooms: list[Path]) -> None:
    assert postgres_room(data_dir, UNPRIVILEGED_USER, rooms) == data_dir / "postgres"


def test_postgres_keeps_its_data_elsewhere_when_it_cannot(closed: Path, rooms: list[Path]) -> None:
    room = postgres_room(closed, UNPRIVILEGED_USER, rooms)
    assert room.parent == rooms[0]
    assert can_enter(room, UNPRIVILEGED_USER)
    assert postgres_room(closed, UNPRIVILEGED_USER, rooms) == room


def test_a_recorded_place_that_is_gone_is_reported(closed: Path, rooms: list[Path]) -> None:
    postgres_room(closed, UNPRIVILEGED_USER, rooms).rmdir()
    with pytest.raises(DataDirUnusableError, match="which is gone"):
        postgres_room(closed, UNPRIVILEGED_USER, rooms)


def test_a_room_that_others_may_write_is_refused(data_dir: Path) -> None:
    data_dir.chmod(0o777)
    with pytest.raises(DataDirUnusableError, match="make one writable"):
        make_room([data_dir])


def test_a_room_that_is_a_link_is_refused(data_dir: Path) -> None:
    (data_dir / "link").symlink_to("/usr")
    with pytest.raises(DataDirUnusableError):
        make_room([data_dir / "link"])


def test_binaries_that_cannot_be_reached_are_copied_once_and_run(closed: Path, rooms: list[Path]) -> None:
    installed = get_postgres_tree()
    hidden = closed / installed.parent.name
    hidden.mkdir()
    (hidden / installed.name).symlink_to(installed)
    libraries = installed.parent.with_name(f"{installed.parent.name}.libs")
    (closed / libraries.name).symlink_to(libraries)
    copy = postgres_tree(UNPRIVILEGED_USER, rooms, installed=hidden / installed.name)
    version = subprocess.run(
        [copy / "bin" / "initdb", "--version"],
        user=UNPRIVILEGED_USER,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PostgreSQL" in version.stdout
    again = postgres_tree(UNPRIVILEGED_USER, rooms, installed=hidden / installed.name)
    assert again == copy
    assert [path.name for path in rooms[0].iterdir()] == [copy.parents[1].name]
