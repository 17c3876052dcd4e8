"""What row-level security costs: queries of the gateway as the tables' owner and as its own user, in one run.

    python bench/row_level_security.py [--videos 100000] [--rounds 300]

Starts an embedded PostgreSQL in a temporary directory. Rounds alternate between the two, so that whatever
else the machine does meets both. `… in the table` is a search as it would be without the view `seen_videos`.
Also printed: what telling a connection who asks costs when that changes with every statement.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from deploy.embedded import Embedded
from storage.asking import Asking, asking_as
from storage.migrations import migrate
from storage.postgres.pool import Database, open_database
from storage.postgres.videos import PostgresVideos
from storage.queries import Queries
from storage.records import VideoQuery
from subjects.media import Metadata

VIEWER = UUID(int=1)
USERS = 1000
RARE_EVERY = 5000
PAGE = 20
FILL = "insert into users (id) select lpad(to_hex(n), 32, '0')::uuid from generate_series(1, $1::int) n"
FILL_VIDEOS = """
insert into videos (
    id, user_id, title, title_words, description_words, visibility, placed_by_owner, priority, status,
    created_at, updated_at
)
select
    lpad(to_hex(n), 32, '0')::uuid,
    lpad(to_hex(1 + n % $2::int), 32, '0')::uuid,
    'A walk',
    array['walk', case when n % $3::int = 0 then 'rare' else 'usual' end],
    -- Log-uniform, so that words are about as rare as in a language (Zipf): the planner goes by that.
    array(
        select 'w' || floor(exp((hashint4(n * 11 + k) & 16777215) / 16777216.0 * ln(50000)))::int
        from generate_series(1, 10) k
    ),
    case n % 10 when 0 then 'private' when 1 then 'unlisted' else 'public' end,
    false, 'normal', 'ready', now() - make_interval(secs => abs(hashint4(n)) % 10000000), now()
from generate_series(1, $1::int) n
"""
FILL_PROBES = "insert into probes (video_id, metadata) select id, $1::text::jsonb from videos"
FILL_ORIGINALS = """
insert into originals (video_id, user_id, key, size_bytes, sha256, content_type)
select id, user_id, id::text, 1, id::text, 'video/mp4' from videos
"""
FILL_STAGES = """
insert into stages (video_id, name, state, attempt)
select id, name, 'done', 1
from videos, unnest(array['uploader', 'prober', 'thumbnailer', 'finisher']) name
"""
METADATA = Metadata(
    duration_seconds=12.0,
    format="mov,mp4",
    size_bytes=1,
    width_px=1080,
    height_px=1920,
    fps=30.0,
    codec="hevc",
    bitrate_bps=8_000_000,
)

Work = Callable[[Database], Awaitable[object]]


def works(videos: int) -> dict[str, Work]:
    """Return what is measured, by name."""
    page, table = VideoQuery(), _through_the_table

    def find(database: Database) -> Awaitable[object]:
        return PostgresVideos(database).find(UUID(int=videos // 2 // USERS * USERS), VIEWER)

    def listed(query: VideoQuery) -> Work:
        return lambda database: PostgresVideos(database).page(query, VIEWER, None, PAGE)

    def words(text: str) -> Work:
        return lambda database: table(database).page(VideoQuery(text=text), VIEWER, None, PAGE)

    return {
        "find_video": find,
        "page_videos": listed(page),
        "page_videos of one user": listed(VideoQuery(user_id=VIEWER)),
        "page_videos, usual word": listed(VideoQuery(text="walk")),
        "page_videos, rare word": listed(VideoQuery(text="rare")),
        "page_videos, no such word": listed(VideoQuery(text="nowhere")),
        "rare word in the table": words("rare"),
        "no such word in the table": words("nowhere"),
    }


class _Table(Queries):
    """The queries with the view taken out."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name).replace("from seen_videos", "from videos")


def _through_the_table(database: Database) -> PostgresVideos:
    return PostgresVideos(database, _Table.read("videos"))


async def timed(work: Work, database: Database) -> float:
    """Return the seconds that one run takes."""
    begun = time.perf_counter()
    await work(database)
    return time.perf_counter() - begun


async def compare(name: str, work: Work, owner: Database, gateway: Database, rounds: int) -> None:
    """Print the medians of both, and their ratio."""
    seconds: dict[str, list[float]] = {"owner": [], "gateway": []}
    for _ in range(rounds):
        seconds["owner"].append(await timed(work, owner))
        seconds["gateway"].append(await timed(work, gateway))
    one, other = (statistics.median(times) * 1000 for times in seconds.values())
    print(f"{name:28} owner {one:8.3f} ms   gateway {other:8.3f} ms   ratio {other / one:6.2f}", flush=True)


async def tell(gateway: Database, rounds: int) -> None:
    """Print what a statement takes for one who asks again, and for one who asks after another."""
    times: dict[str, list[float]] = {"after another": [], "again": []}
    for number in range(rounds):
        with asking_as(Asking(user_id=UUID(int=number + 10))):
            for taken in times.values():
                taken.append(await timed(Database.ping, gateway))
    anew, again = (statistics.median(taken) * 1000 for taken in times.values())
    print(f"{'select 1':28} asked again {again:.3f} ms, asked by another {anew:.3f} ms")


async def fill(url: str, videos: int) -> None:
    """Fill a migrated database."""
    connection = await asyncpg.connect(url)
    await connection.execute(FILL, USERS)
    await connection.execute(FILL_VIDEOS, videos, USERS, RARE_EVERY)
    await connection.execute(FILL_PROBES, msgspec.json.encode(METADATA).decode())
    await connection.execute(FILL_ORIGINALS)
    await connection.execute(FILL_STAGES)
    await connection.execute("vacuum analyze")
    await connection.close()


async def main(videos: int, rounds: int) -> None:
    """Measure everything in turn."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="truthtok-bench-")))
        directory.chmod(0o755)
        servers = await stack.enter_async_context(Embedded(directory, durable=False))
        await migrate(servers.database_url)
        await servers.admit_members()
        await fill(servers.database_url, videos)
        owner = await stack.enter_async_context(open_database(servers.database_url))
        gateway = await stack.enter_async_context(open_database(servers.database_url_of("api"), asks=True))
        print(f"{videos} videos, median of {rounds} rounds")
        with asking_as(Asking(user_id=VIEWER, role="creator")):
            for name, work in works(videos).items():
                await compare(name, work, owner, gateway, rounds)
        await tell(gateway, rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    asyncio.run(main(options.videos, options.rounds))
