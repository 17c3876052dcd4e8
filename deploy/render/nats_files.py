"""The files below `nats/`: streams, durables, permissions and the servers' configuration."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from actors.core.dead_letters import ADVISORY_DURABLE
from actors.core.host import UNDERTAKER
from deploy.render.declaration import ActorDeclaration
from deploy.render.permissions import ADMIN, FACADES, key_variable, permissions_conf
from subjects.streams import STREAMS

__all__ = ["key_variable", "nats_files", "nats_users"]

REPLICAS: Final = 3
"""What the rendered streams say. `truthtok nats apply` takes the number from its settings."""

SERVER_CONF: Final = """\
# Rendered by `make render`. Do not edit.
# One nats-server in production, or the part that all servers of a cluster share (see cluster.conf).
# Its environment: TRUTHTOK_NATS_NAME, TRUTHTOK_NATS_STORE, and a TRUTHTOK_NKEY_… for every user.
server_name: $TRUTHTOK_NATS_NAME
listen: "0.0.0.0:4222"
# Health and metrics. Without a password: keep it inside the cluster's network.
http: "0.0.0.0:8222"
jetstream {
  store_dir: $TRUTHTOK_NATS_STORE
  max_mem: 1GB
  max_file: 50GB
}
max_payload: 1MB
max_connections: 10000
# A client that does not read for so long is cut off and comes back.
write_deadline: "10s"
ping_interval: "20s"
# SIGUSR2: no new clients, then the old ones go in turn and reconnect elsewhere.
lame_duck_grace_period: "5s"
lame_duck_duration: "30s"
include "permissions.conf"
"""

CLUSTER_CONF: Final = """\
# Rendered by `make render`. Do not edit.
# One of three servers, as in a StatefulSet called nats with a headless service called nats.
include "server.conf"
cluster {
  name: truthtok
  listen: "0.0.0.0:6222"
  routes: [
    "nats://nats-0.nats:6222"
    "nats://nats-1.nats:6222"
    "nats://nats-2.nats:6222"
  ]
}
"""


def nats_files(actors: Sequence[ActorDeclaration]) -> dict[str, str]:
    """Return every file below `nats/` by its path."""
    durables = (*(durable for actor in actors for durable in actor.durables), ADVISORY_DURABLE)
    return {
        **{f"nats/streams/{one.name}.json": _json(one.configuration(REPLICAS)) for one in STREAMS},
        **{f"nats/consumers/{one.stream}.{one.name}.json": _json(one.configuration()) for one in durables},
        "nats/permissions.conf": permissions_conf(actors),
        "nats/server.conf": SERVER_CONF,
        "nats/cluster.conf": CLUSTER_CONF,
    }


def nats_users(actors: Iterable[str] | None = None) -> list[str]:
    """Return the names of all NATS users: the given actors, or all there are, and those every house has."""
    if actors is None:
        # Late: rendering itself knows only declarations, and the composition root loads every engine.
        from deploy.composition import ACTORS  # noqa: PLC0415

        actors = [kind.name for kind in ACTORS]
    return [*actors, *FACADES, UNDERTAKER, ADMIN]


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"
