"""What is deleted from a stream is gone from the server's disk as well, not only from its answers."""

from pathlib import Path

from subjects.administration import apply
from subjects.codec import Envelope
from subjects.jetstream import connect
from subjects.streams import STREAMS
from tests.nats_servers import NatsServer, running, until

PLACE = b"48.8566 north, 2.3522 east"


async def test_the_bytes_of_a_removed_message_are_overwritten(tmp_path: Path) -> None:
    def is_on_disk() -> bool:
        return any(PLACE in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())

    server = NatsServer(tmp_path)
    async with running(server), connect(server.url, name="eraser", connect_seconds=5) as bus:
        await apply(bus.wire, STREAMS, [])
        told = await bus.publish(Envelope("video.probed.normal.1", PLACE))
        kept = await bus.publish(Envelope("video.probed.normal.2", b"{}"))
        await until(is_on_disk)
        assert await bus.remove("EVENTS", told.sequence)
        await until(lambda: not is_on_disk())
        assert await bus.find("EVENTS", kept.sequence) is not None
