"""Named SQL: `-- name: find_video` begins a query that runs to the next name.

    queries = Queries.read("videos")
    await database.fetch_row(queries["find_video"], video_id)

Read and checked when constructed, so that a typing error stops the start and not a request.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Queries(Mapping[str, str]):
    """The queries of one `.sql` file by name. Raises ValueError for a name given twice or without SQL."""

    def __init__(self, text: str) -> None:
        _, *parts = _NAME.split(text)
        names, bodies = parts[::2], [body.strip() for body in parts[1::2]]
        self._by_name: dict[str, str] = dict(zip(names, bodies, strict=True))
        if len(self._by_name) < len(names) or not all(bodies):
            raise ValueError(f"a query is named twice or empty: {', '.join(sorted(names))}")

    @classmethod
    def read(cls, name: str) -> "Queries":
        """Return the queries of `sql/<name>.sql`."""
        return cls(files("storage").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8"))

    def __getitem__(self, name: str) -> str:
        """Return a query. Raises KeyError that names those there are."""
        if name not in self._by_name:
            raise KeyError(f"no query {name!r}, only {', '.join(sorted(self._by_name))}")
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)
