"""Who may say and read what on NATS: one user for each actor, the gateways, the undertaker and the admin.

A user may publish exactly what its declarations and the adapter in `subjects/` need, and hears only its own
inbox. The API subjects and why each is needed are listed in `_reads` and `_works`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from actors.core.dead_letters import ADVISORY_DURABLE
from actors.core.host import UNDERTAKER
from deploy.render.declaration import ActorDeclaration
from subjects import account, stage, upload, video
from subjects.streams import STREAMS, Durable

ADMIN: Final = "admin"
GATEWAY: Final = "gateway"
MEDIA: Final = "media"
FACADES: Final = (GATEWAY, MEDIA)
_DELETE: Final = "$JS.API.STREAM.MSG.DELETE"
_NAMES: Final = "$JS.API.STREAM.NAMES"
"""Tells a missing stream from one without a leader; says nothing but names."""


@dataclass(frozen=True, slots=True)
class User:
    """One NATS user: whom it serves and what it may publish. It hears `_INBOX_<name>.>`."""

    name: str
    why: str
    publish: tuple[str, ...]

    @property
    def subscribe(self) -> tuple[str, ...]:
        """What it may listen to."""
        return (f"_INBOX_{self.name}.>",)


def users(actors: Sequence[ActorDeclaration]) -> list[User]:
    """Return every user, actors first."""
    return [*map(_actor, actors), _gateway(), _media(), _undertaker(), _admin()]


def key_variable(name: str) -> str:
    """Return the environment variable that holds a user's public nkey."""
    return "TRUTHTOK_NKEY_" + name.upper().replace("-", "_")


def permissions_conf(actors: Sequence[ActorDeclaration]) -> str:
    """Return `nats/permissions.conf`: an `authorization` block whose keys come from the environment.

    nats-server looks for an included file's variables in that file and in the environment; one that is
    defined in the including file is not found (measured with 2.15).
    """
    blocks = "\n".join(map(_block, users(actors)))
    return (
        "# Rendered by `make render` from the declarations of the actors. Do not edit.\n"
        "# The public nkey of each user comes from the environment of nats-server.\n"
        f"authorization {{\n  users: [\n{blocks}\n  ]\n}}\n"
    )


def _actor(actor: ActorDeclaration) -> User:
    own = (
        *actor.says,
        stage.PROGRESSED.at(stage.stage_of(actor.name)).pattern(),
        video.FAILED.pattern(),
        f"dead.{actor.name}.*.*",
    )
    read = _reads("EVENTS") if actor.joins else ()
    clear = [ask for stream in actor.clears for ask in (*_reads(stream), f"{_DELETE}.{stream}")]
    later = (f"schedule.{actor.name}.*", *_reads("WORK")) if actor.schedules else ()
    return User(
        actor.name,
        f"the actor {actor.name}",
        _unique((*own, *_works(actor.durables), *read, *clear, *later, _NAMES)),
    )


RELAYED: Final = (upload.COMPLETED, upload.EXPIRED, video.DELETED, account.CLOSED)
"""What transactions of gateways and actors promise in the outbox; either relay says it."""


def _gateway() -> User:
    follow = [subject for stream in ("EVENTS", "PROGRESS") for subject in _follows(stream)]
    letters = (*_reads("DEAD_LETTERS"), f"{_DELETE}.DEAD_LETTERS", "work.*.*.*")
    watch = [f"$JS.API.{ask}.{one.name}" for ask in ("CONSUMER.LIST", "DIRECT.GET") for one in STREAMS]
    said = [subject.pattern() for subject in RELAYED]
    return User(GATEWAY, "the JSON API", _unique((*said, *follow, *letters, *watch, _NAMES)))


def _media() -> User:
    said = [subject.pattern() for subject in RELAYED]
    return User(MEDIA, "the media plane", _unique((*said, _NAMES)))


def _undertaker() -> User:
    said = ("dead.*.*.*", video.FAILED.pattern())
    finds = [f"$JS.API.STREAM.MSG.GET.{stream.name}" for stream in STREAMS]
    removes = (f"{_DELETE}.WORK",)
    return User(
        UNDERTAKER,
        "the mover of messages that killed their process",
        _unique((*said, *_works((ADVISORY_DURABLE,)), *finds, *removes, _NAMES)),
    )


def _admin() -> User:
    said = ("work.*.*.*", "schedule.>", "$JS.API.>", "$JS.ACK.>", "$JS.FC.>")
    return User(ADMIN, "`truthtok nats apply`, the schedules and the operator's commands", said)


def _works(durables: Iterable[Durable]) -> Iterable[str]:
    """Ask for messages and answer them."""
    for durable in durables:
        yield f"$JS.API.CONSUMER.MSG.NEXT.{durable.stream}.{durable.name}"
        yield f"$JS.ACK.{durable.stream}.{durable.name}.>"


def _reads(stream: str) -> tuple[str, ...]:
    """Read back: what the leader has newest, and batches from any replica."""
    return (f"$JS.API.STREAM.MSG.GET.{stream}", f"$JS.API.DIRECT.GET.{stream}")


def _follows(stream: str) -> tuple[str, ...]:
    """Follow: the API's subject without a consumer's name makes ephemerals only, so no durable is at risk."""
    made = (f"$JS.API.STREAM.INFO.{stream}", f"$JS.API.CONSUMER.CREATE.{stream}", f"$JS.FC.{stream}.>")
    return (*_reads(stream), *made)


def _unique(subjects: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(subjects))


def _block(user: User) -> str:
    # One key on a line: nats-server cannot parse `publish {…} subscribe {…}` on the same one.
    return (
        f"    # {user.why}\n"
        "    {\n"
        f"      nkey: ${key_variable(user.name)}\n"
        "      permissions: {\n"
        f"        publish: {{\n          allow: {_list(user.publish)}\n        }}\n"
        f"        subscribe: {{\n          allow: {_list(user.subscribe)}\n        }}\n"
        "      }\n"
        "    }"
    )


def _list(subjects: Sequence[str]) -> str:
    lines = "".join(f'            "{subject}"\n' for subject in subjects)
    return f"[\n{lines}          ]"
