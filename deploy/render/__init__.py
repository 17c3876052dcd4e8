"""Configuration and documents from declarations: pure text, so that `make check` can find what is stale."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.render.asyncapi import asyncapi
from deploy.render.declaration import ActorDeclaration
from deploy.render.nats_files import nats_files

__all__ = ["ActorDeclaration", "render", "stale"]

_OURS = ("nats/**/*.json", "nats/**/*.conf")
"""Where a file that is not rendered any more must go."""


def render(actors: Sequence[ActorDeclaration]) -> dict[str, str]:
    """Return the text of every rendered file by its path in the repository."""
    return {**nats_files(actors), "docs/asyncapi.json": asyncapi(actors)}


def stale(rendered: Mapping[str, str], root: Path) -> list[str]:
    """Return the paths below `root` that are missing, differ, or are rendered no more."""
    behind = [path for path, text in rendered.items() if _text(root / path) != text]
    kept = {found.relative_to(root).as_posix() for pattern in _OURS for found in root.glob(pattern)}
    return sorted({*behind, *(kept - rendered.keys())})


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
