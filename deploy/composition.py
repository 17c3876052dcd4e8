"""The composition root: how each actor is made from the ports. A new actor is one line in ACTORS."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from actors.core.actor import AnyActor
from actors.core.host import UNDERTAKER, actor_intake, undertaker_intake
from actors.core.intake import Intake
from actors.encoder import Encoder
from actors.engines.clip.probe import MediaProbe
from actors.engines.ladder.preparation import Preparer
from actors.engines.pictures.thumbnails import Illustrator
from actors.engines.sandbox.sandbox import Sandbox
from actors.eraser import Eraser
from actors.expirer import Expirer
from actors.finisher import Finisher
from actors.forgetter import Forgetter
from actors.packager import Packager
from actors.prober import Prober
from actors.thumbnailer import Thumbnailer
from actors.transcoder import Transcoder
from actors.uploader import Uploader
from deploy.encoding import chunk_encoder, effort, ladder_policy, segment_keys
from deploy.ports import Ports
from deploy.settings import SettingsError

ACTORS: Final[Mapping[type[AnyActor], Callable[[Ports, Sandbox], AnyActor]]] = {
    Uploader: lambda has, _: Uploader(has.storage.objects, has.storage.videos),
    Prober: lambda has, box: Prober(MediaProbe(box), has.storage.videos, has.workspace),
    Thumbnailer: lambda has, box: Thumbnailer(
        Illustrator(box), has.storage.objects, has.storage.videos, has.workspace
    ),
    Transcoder: lambda has, box: Transcoder(
        Preparer(box, ladder_policy(has.settings)),
        has.storage.objects,
        has.storage.videos,
        has.storage.renditions,
        has.workspace,
        segment_keys(has.settings),
        effort(has.settings),
    ),
    Encoder: lambda has, box: Encoder(
        chunk_encoder(has.settings, box),
        has.storage.objects,
        has.storage.videos,
        has.storage.renditions,
        has.workspace,
        segment_keys(has.settings),
    ),
    Packager: lambda has, _: Packager(has.storage.objects, has.storage.videos, has.storage.renditions),
    Finisher: lambda has, _: Finisher(has.storage.videos),
    Expirer: lambda has, _: Expirer(
        has.storage.objects, has.storage.uploads, has.storage.departures, lambda: datetime.now(UTC)
    ),
    Eraser: lambda has, _: Eraser(has.storage.objects, has.bus, lambda: datetime.now(UTC)),
    Forgetter: lambda has, _: Forgetter(has.storage.departures, has.storage.videos),
}
NEEDS_SANDBOX: Final = frozenset({Prober.name, Thumbnailer.name, Transcoder.name, Encoder.name})
ACTOR_NAMES: Final = (*(kind.name for kind in ACTORS), UNDERTAKER)


def make_intake(name: str, ports: Ports, sandbox: Sandbox) -> Intake:
    """Return the intake of an actor by its name, or of the undertaker. Raises SettingsError."""
    if name == UNDERTAKER:
        return undertaker_intake(ports.bus, ports.storage.stages)
    for kind, make in ACTORS.items():
        if kind.name == name:
            return actor_intake(make(ports, sandbox), ports.bus, ports.storage.stages)
    raise SettingsError(f"there is no actor {name!r}: choose from {', '.join(ACTOR_NAMES)}")
