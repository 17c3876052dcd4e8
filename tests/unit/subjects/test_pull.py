"""The books of an inlet when server and network misbehave, on a wire that plays a script."""

from dataclasses import dataclass, field

from subjects.bus import Delivery
from subjects.pull import JetStreamInlet
from subjects.streams import Durable
from subjects.wire import OnHeard

DURABLE = Durable("EVENTS", "prober-normal", (">",), 30.0, 5)


@dataclass
class Said:
    subject: str
    reply: str = ""
    data: bytes = b""
    headers: dict[str, str] | None = None


@dataclass
class ScriptedLine:
    prefix: str
    on_heard: OnHeard
    closed: bool = False

    async def close(self) -> None:
        self.closed = True

    async def drain(self) -> None:
        self.closed = True


@dataclass
class ScriptedWire:
    """Takes note of what is sent and says what the test tells it to."""

    connected: bool = True
    lines: list[ScriptedLine] = field(default_factory=list)
    sent: list[tuple[str, bytes, str]] = field(default_factory=list)

    async def send(self, subject: str, body: bytes = b"", *, reply: str = "") -> None:
        self.sent.append((subject, body, reply))

    async def open_line(self, on_heard: OnHeard, *, tokens: int = 1) -> ScriptedLine:
        self.lines.append(ScriptedLine(f"inbox.{len(self.lines)}", on_heard))
        return self.lines[-1]

    def unwatch(self, watcher: object) -> None:
        pass

    async def message(self, line: int, number: int) -> None:
        reply = f"$JS.ACK.EVENTS.prober-normal.1.{number}.{number}.1790000000000000000.0"
        await self.lines[line].on_heard(Said("video.uploaded.normal.1", reply, b"{}"))

    async def status(self, line: int, code: str, text: str, *, of: int = -1) -> None:
        reply = [reply for _, _, reply in self.sent if reply.startswith(self.lines[line].prefix)][of]
        await self.lines[line].on_heard(Said(reply, headers={"Status": code, "Description": text}))


@dataclass
class Books:
    wire: ScriptedWire = field(default_factory=ScriptedWire)
    deliveries: list[Delivery] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)

    def open(self) -> JetStreamInlet:
        return JetStreamInlet(self.wire, DURABLE, self.deliveries.append, self.returned.append)  # type: ignore[arg-type]


async def test_a_message_after_its_request_was_given_back_is_delivered_as_extra() -> None:
    books = Books()
    inlet = books.open()
    await inlet.request(2, 30.0)
    await books.wire.message(0, 1)
    await books.wire.status(0, "409", "Leadership Change")
    await books.wire.message(0, 2)
    assert ([one.extra for one in books.deliveries], books.returned) == ([False, True], [1])
    await inlet.close()


async def test_a_line_that_was_given_up_is_not_used_for_the_next_request() -> None:
    books = Books()
    inlet = books.open()
    await inlet.request(1, 30.0)
    await books.wire.status(0, "409", "Leadership Change")
    await inlet.request(1, 30.0)
    await books.wire.message(0, 1)
    await books.wire.message(1, 2)
    assert [one.extra for one in books.deliveries] == [True, False]
    await inlet.close()
    assert [line.closed for line in books.wire.lines] == [True, True]


async def test_a_settled_line_is_used_again_and_a_late_status_of_its_old_request_is_ignored() -> None:
    books = Books()
    inlet = books.open()
    await inlet.request(1, 30.0)
    await books.wire.message(0, 1)
    await inlet.request(3, 30.0)
    await books.wire.status(0, "408", "Request Timeout", of=0)
    assert (len(books.wire.lines), books.returned) == (1, [])
    await books.wire.status(0, "408", "Request Timeout")
    assert books.returned == [3]
    await inlet.close()


async def test_heartbeats_are_no_answer() -> None:
    books = Books()
    inlet = books.open()
    await inlet.request(2, 30.0)
    await books.wire.status(0, "100", "Idle Heartbeat")
    assert (books.deliveries, books.returned) == ([], [])
    await inlet.close()
    assert books.returned == [2]


async def test_a_lost_connection_is_given_back_once_there_is_another_and_its_lines_are_dropped() -> None:
    books = Books()
    inlet = books.open()
    await inlet.request(2, 30.0)
    books.wire.connected = False
    await inlet.lost()
    await inlet.request(1, 30.0)
    assert (books.returned, books.wire.lines[0].closed, len(books.wire.sent)) == ([], True, 1)
    books.wire.connected = True
    await inlet.back()
    assert sorted(books.returned) == [1, 2]
    await inlet.close()


async def test_a_message_that_arrives_while_closing_goes_back_to_the_broker_unseen() -> None:
    books = Books()
    inlet = books.open()
    await inlet.request(1, 30.0)
    await inlet.close()
    await books.wire.message(0, 1)
    assert (books.deliveries, books.returned) == ([], [1])
    assert books.wire.sent[-1][:2] == ("$JS.ACK.EVENTS.prober-normal.1.1.1.1790000000000000000.0", b"-NAK")


async def test_a_status_ends_its_own_request_only() -> None:
    books = Books()
    inlet = books.open()
    await inlet.request(1, 30.0)
    await inlet.request(4, 30.0)
    await books.wire.status(1, "404", "No Messages")
    assert books.returned == [4]
    await books.wire.message(0, 1)
    assert len(books.deliveries) == 1
    await inlet.close()
    assert books.returned == [4]
