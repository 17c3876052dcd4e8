"""`python -m deploy.embedded DATA`: the three servers and nothing else.

Serves until SIGINT or SIGTERM. Prints one line of JSON with their URLs when all of them answer.
"""

import argparse
import asyncio
import json
import shutil
import sys
from pathlib import Path

from deploy.embedded import start_servers
from deploy.stack_errors import StackError
from deploy.supervisor import StoppedBySignal, supervise


def main() -> None:
    """Serve until a stop signal; errors are one line (and the log's tail) with exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    parser.add_argument("data", type=_absolute, help="directory that keeps the servers' data")
    parser.add_argument("--nats-config", type=Path, help="accounts and permissions to include")
    parser.add_argument("--fast", action="store_true", help="unsafe against power loss, for tests")
    parser.add_argument("--remove", action="store_true", help="remove the data at the end, for tests")
    options = parser.parse_args()
    try:
        asyncio.run(_serve(options))
    except StoppedBySignal:
        # Only here: after an error the logs are of use, or the directory is another stack's.
        if options.remove:
            shutil.rmtree(options.data)
    except StackError as error:
        sys.exit(str(error))


def _absolute(path: str) -> Path:
    return Path(path).resolve()


async def _serve(options: argparse.Namespace) -> None:
    async with supervise(options.data, handle_signals=True) as supervisor:
        servers = await start_servers(supervisor, nats_config=options.nats_config, durable=not options.fast)
        urls = {name: getattr(servers, name) for name in ("database_url", "redis_url", "nats_url")}
        print(json.dumps(urls), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
