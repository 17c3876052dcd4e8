"""The command line. Each command lives in a module of its own, loaded when it runs."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from deploy.causes import causes
from deploy.logs import log_as_command, log_as_server
from deploy.settings import Settings, default_data_dir, describe, read_settings
from deploy.stack_errors import StackError
from storage.errors import StorageError
from subjects.bus import BusError

EXPECTED_ERRORS: Final = (StackError, StorageError, BusError)
Run = Callable[[argparse.Namespace, Settings], int | None]


def replicas(text: str) -> dict[str, int]:
    """Parse `prober=2,thumbnailer=4`."""
    try:
        pairs = (pair.split("=") for pair in text.split(",") if pair)
        return {name: int(count) for name, count in pairs}
    except ValueError as error:
        raise argparse.ArgumentTypeError("give replicas as prober=2,thumbnailer=4") from error


def run_up(given: argparse.Namespace, settings: Settings) -> int | None:
    """Keep the whole service running on embedded servers."""
    from deploy.stack import up  # noqa: PLC0415 - commands load only what they need

    return asyncio.run(up(given, settings))


def run_demo(given: argparse.Namespace, settings: Settings) -> int | None:
    """Run the main job once on a stack of its own."""
    from deploy.demo import demo  # noqa: PLC0415

    return asyncio.run(demo(given.files, settings))


def run_upload(given: argparse.Namespace, settings: Settings) -> int | None:
    """Upload files to a running service."""
    from deploy.demo import find_api_key, upload  # noqa: PLC0415

    if (given.lat is None) != (given.lng is None):
        raise StackError("give both --lat and --lng, or neither")
    location = None if given.lat is None else (given.lat, given.lng)
    key = find_api_key(given.api_key, settings, given.data, given.api)
    return asyncio.run(upload(given.files, given.api, key, title=given.title, location=location))


def run_gateway(_given: argparse.Namespace, settings: Settings) -> int | None:
    """Serve the JSON API."""
    from deploy.processes import serve_gateway  # noqa: PLC0415

    return serve_gateway(settings)


def run_media(_given: argparse.Namespace, settings: Settings) -> int | None:
    """Serve uploads and media."""
    from deploy.processes import run_until_stopped, serve_media_plane  # noqa: PLC0415

    run_until_stopped(lambda stop: serve_media_plane(settings, stop))
    return 0


def run_actor(given: argparse.Namespace, settings: Settings) -> int | None:
    """Run one or several actors in this process; with TRUTHTOK_NATS_SEED, which is one actor's key, one."""
    from deploy.processes import run_actors, run_until_stopped  # noqa: PLC0415

    run_until_stopped(lambda stop: run_actors(settings, given.names, stop))
    return 0


SERVERS: Final = (run_gateway, run_media, run_actor)
"""What runs for long and is read by machines."""


def run_migrate(_given: argparse.Namespace, settings: Settings) -> int | None:
    """Apply what is missing of the migrations."""
    from deploy.provisioning import migrate_database  # noqa: PLC0415

    applied = asyncio.run(migrate_database(settings))
    print("\n".join(applied) or "nothing to apply")
    return 0


def run_nats_apply(given: argparse.Namespace, settings: Settings) -> int | None:
    """Make the NATS server match the declared streams, durables and schedules."""
    from deploy.provisioning import apply_nats  # noqa: PLC0415

    changed = asyncio.run(apply_nats(settings, delete_undeclared=given.delete_undeclared))
    print("\n".join(changed) or "nothing to change")
    return 0


def run_queues(given: argparse.Namespace, settings: Settings) -> int | None:
    """Show what waits, per actor and class."""
    from deploy.operations import show_queues  # noqa: PLC0415

    return asyncio.run(show_queues(settings, given.data))


def run_dead_letters(given: argparse.Namespace, settings: Settings) -> int | None:
    """List, show, replay or drop dead letters."""
    from deploy.operations import dead_letters  # noqa: PLC0415

    return asyncio.run(dead_letters(given.action, given.ids, settings, given.data))


def run_users(given: argparse.Namespace, settings: Settings) -> int | None:
    """Make an account with the password on stdin (the first administrator), or list all."""
    from deploy.people import create_user, list_users  # noqa: PLC0415

    if given.action == "list":
        return asyncio.run(list_users(settings, given.data))
    if given.email is None or given.role is None:
        raise StackError("give --email and --role, and the password on stdin")
    return asyncio.run(create_user(given.email, given.role, given.name, settings, given.data))


def run_keys(given: argparse.Namespace, settings: Settings) -> int | None:
    """Print new keys; put new ones first in a stack's directory; bring accounts under the newest."""
    if given.action == "rewrap":
        from deploy.people import rewrap  # noqa: PLC0415

        return asyncio.run(rewrap(settings, given.data))
    from deploy.keys import print_new_keys, rotate  # noqa: PLC0415

    if given.action == "new":
        print_new_keys()
    else:
        rotate(settings, given.data)
    return 0


def run_doctor(given: argparse.Namespace, settings: Settings) -> int | None:
    """Say in plain words what is wrong with this set-up."""
    from deploy.doctor import doctor  # noqa: PLC0415

    return asyncio.run(doctor(settings, given.data))


def run_render(given: argparse.Namespace, _settings: Settings) -> int | None:
    """Write every rendered file, or say which are stale."""
    from deploy.rendering import render_all  # noqa: PLC0415

    return render_all(check=given.check)


def run_settings(_given: argparse.Namespace, _settings: Settings) -> int | None:
    """List every setting."""
    for one in describe():
        default = f"default {one.default}" if one.default else "no default"
        print(f"{one.variable:<30} {one.meaning} ({', '.join(filter(None, (one.unit, default)))})")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    top = argparse.ArgumentParser(prog="truthtok", description="An open backend for short video.")
    commands = top.add_subparsers(metavar="command", required=True)

    def command(name: str, run: Run, within: Any = commands) -> argparse.ArgumentParser:
        one: argparse.ArgumentParser = within.add_parser(name, help=run.__doc__, description=run.__doc__)
        one.set_defaults(run=run)
        return one

    up = command("up", run_up)
    up.add_argument("--data", type=Path, default=default_data_dir(), help="where everything is kept")
    up.add_argument("--port", type=int, default=None, help="of the API (TRUTHTOK_PORT)")
    up.add_argument("--media-port", type=int, default=None, help="of the media plane (TRUTHTOK_MEDIA_PORT)")
    up.add_argument("--replicas", type=replicas, default={}, metavar="NAME=N,…", help="replicas of actors")
    up.add_argument("--without", action="append", default=[], metavar="NAME", help="leave an actor out")
    command("demo", run_demo).add_argument("files", nargs="*", type=Path, metavar="FILE")
    upload = command("upload", run_upload)
    upload.add_argument("files", nargs="+", type=Path, metavar="FILE")
    upload.add_argument("--api", default="http://127.0.0.1:8000", help="where the API is")
    upload.add_argument("--api-key", default=None, help="to sign in with (TRUTHTOK_API_KEY)")
    upload.add_argument("--data", type=Path, default=default_data_dir(), help="of a stack here: has its key")
    upload.add_argument("--title", default=None, help="else the file's name")
    upload.add_argument("--lat", type=float, default=None, help="where it was recorded, degrees north")
    upload.add_argument("--lng", type=float, default=None, help="degrees east")
    command("gateway", run_gateway)
    command("media", run_media)
    actor = command("actor", run_actor)
    actor.add_argument("names", nargs="+", metavar="NAME", help="one only with TRUTHTOK_NATS_SEED")
    command("migrate", run_migrate)
    nats = commands.add_parser("nats", help="manage the NATS server").add_subparsers(required=True)
    command("apply", run_nats_apply, nats).add_argument(
        "--delete-undeclared", action="store_true", help="delete durables that no actor declares any more"
    )
    queues = command("queues", run_queues)
    letters = command("dead-letters", run_dead_letters)
    letters.add_argument("action", choices=("list", "show", "replay", "drop"))
    letters.add_argument("ids", nargs="*", type=int, metavar="ID")
    users = command("users", run_users)
    users.add_argument("action", choices=("create", "list"))
    users.add_argument("--email", default=None)
    users.add_argument("--role", default=None, help="viewer, creator, moderator or admin")
    users.add_argument("--name", default=None, help="else what stands before the @")
    keys = command("keys", run_keys)
    keys.add_argument("action", choices=("new", "rotate", "rewrap"))
    for one, variable in (
        (queues, "NATS_URL"),
        (letters, "NATS_URL"),
        (users, "DATABASE_URL"),
        (keys, "DATABASE_URL"),
    ):
        one.add_argument(
            "--data", type=Path, default=default_data_dir(), help=f"of the stack, without {variable}"
        )
    command("doctor", run_doctor).add_argument("--data", type=Path, default=default_data_dir())
    command("render", run_render).add_argument("--check", action="store_true", help="only say what is stale")
    command("settings", run_settings)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Expected errors are one line on stderr and exit code 1."""
    given = parser().parse_args(arguments)
    try:
        settings = read_settings()
        if given.run in SERVERS:
            log_as_server(settings.log_level)
        else:
            log_as_command()
        return given.run(given, settings) or 0
    except Exception as error:
        found = causes(error)
        if not all(isinstance(one, EXPECTED_ERRORS) for one in found):
            raise
        print(f"truthtok: {found[0]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
