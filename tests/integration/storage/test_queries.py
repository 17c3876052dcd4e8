"""Every named query is one that a migrated database understands."""

from importlib.resources import files

import asyncpg
import pytest

from storage.queries import Queries

FILES = sorted(path.name.removesuffix(".sql") for path in files("storage").joinpath("sql").iterdir())


@pytest.mark.parametrize("name", FILES)
async def test_every_query_can_be_prepared_against_a_migrated_database(name: str, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for query in Queries.read(name).values():
            await connection.prepare(query)
    finally:
        await connection.close()


@pytest.mark.parametrize("name", FILES)
def test_every_query_that_reads_rows_has_a_limit(name: str) -> None:
    for title, query in Queries.read(name).items():
        reads = query.lstrip().startswith("select") and " from " in query.replace("\n", " ")
        assert not reads or "limit" in query, title
