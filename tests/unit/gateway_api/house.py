"""The API over the twins, without a socket: `House` holds everything, `House.ask` sends a request."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.api import Api, make_api
from gateway.config import GatewayConfig
from gateway.exchange import Request, Response
from gateway.identity.access_tokens import access_tokens_of
from gateway.identity.identification import identification_of
from gateway.identity.minting import API_KEY, REFRESH_TOKEN, mint
from gateway.ports import Dependency, Ports, Queue
from gateway.problems import ProblemError
from storage.identity_records import NewAccount, NewApiKey, NewSession, Role
from storage.memory import MemoryStorage
from storage.records import LOCAL_USER_ID
from storage.sealing import Vault
from subjects.codec import seal
from subjects.ids import new_id
from subjects.memory import MemoryBus
from subjects.message import Message, Priority

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
CONFIG = GatewayConfig(
    api_url="http://api.test",
    media_url="http://media.test",
    signing_key=b"k" * 32,
    allowed_origins=("https://app.test",),
    token_seeds=(b"s" * 32,),
    password_memory_bytes=64 * 1024,
    password_passes=1,
)


@dataclass
class Told:
    """A response, with its JSON read."""

    status: int
    headers: dict[str, str]
    body: bytes
    stream: AsyncIterator[bytes] | None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def pointers(self) -> list[str]:
        return [error["pointer"] for error in self.json.get("errors", [])]


class OpenLimits:
    """Limits that only keep what was spent, except for buckets that a test empties."""

    def __init__(self) -> None:
        self.spent: list[tuple[str, str]] = []
        self.empty: set[str] = set()

    async def spend(self, bucket: str, holder: str) -> dict[str, str]:
        if bucket in self.empty:
            headers = {"Retry-After": "7", "RateLimit": f'"{bucket}";r=0;t=7'}
            raise ProblemError("too_many_requests", "Too often.", headers=headers)
        self.spent.append((bucket, holder))
        return {"RateLimit": f'"{bucket}";r=1;t=1', "RateLimit-Policy": f'"{bucket}";q=2;w=1'}

    async def refund(self, bucket: str, holder: str) -> None:
        self.spent.remove((bucket, holder))


@dataclass(frozen=True)
class Person:
    """Somebody who asks: signed in, with an API key, or nobody known."""

    house: "House"
    user_id: UUID | None = None
    session_id: UUID | None = None
    api_key: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What the person shows."""
        if self.api_key:
            return {"X-Api-Key": self.api_key}
        if self.user_id is None or self.session_id is None:
            return {}
        token = self.house.tokens.issue(self.user_id, self.session_id, self.house.now())
        return {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Told:
        headers = self.headers | more.pop("headers", {})
        return await self.house.send(method, path, body, headers=headers, **more)


@dataclass
class House:
    """The API and what stands behind it."""

    storage: MemoryStorage
    bus: MemoryBus
    clock: list[datetime]
    kicks: list[str] = field(default_factory=list)
    dependencies: tuple[Dependency, ...] = ()
    queues: list[Queue] = field(default_factory=list)
    config: GatewayConfig = CONFIG
    streams: int = 10
    videos: Any = None
    audit: Any = None
    accounts: Any = None
    limits: Any = field(default_factory=OpenLimits)
    vault: Vault = field(default_factory=lambda: Vault((b"v" * 32,)))
    api: Api = None  # type: ignore[assignment]
    people: dict[str, Person] = field(default_factory=dict)

    def build(self) -> None:
        storage = self.storage
        self.tokens = access_tokens_of(self.config)
        self.identification = identification_of(
            self.config,
            storage.sessions,
            storage.api_keys,
            self.audit or storage.audit,
            now=self.now,
            clock=lambda: self.now().timestamp(),
        )
        ports = Ports(
            videos=self.videos or storage.videos,
            uploads=storage.uploads,
            idempotency=storage.idempotency,
            accounts=self.accounts or storage.accounts,
            departures=storage.departures,
            sessions=storage.sessions,
            api_keys=storage.api_keys,
            audit=self.audit or storage.audit,
            identification=self.identification,
            limits=self.limits,
            vault=self.vault,
            bus=self.bus,
            queues=self,
            kick=lambda: self.kicks.append("kick"),
            dependencies=self.dependencies,
            now=self.now,
        )
        self.api = make_api(self.config, ports, self.streams)

    def now(self) -> datetime:
        return self.clock[0]

    def later(self, seconds: float) -> None:
        self.clock[0] += timedelta(seconds=seconds)

    async def list_queues(self) -> list[Queue]:
        return self.queues

    @property
    def nobody(self) -> Person:
        """Somebody who shows nothing."""
        return Person(self)

    async def as_user(self, role: Role = "creator", name: str = "") -> Person:
        """Return somebody who signed in; the same person for the same name."""
        name = name or role
        if name not in self.people:
            now = self.now()
            account = NewAccount(
                id=new_id(now),
                email=f"{name}@example.org",
                name=name,
                password_hash="$argon2id$none",  # noqa: S106 - nobody signs in with it
                role=role,
                created_at=now,
            )
            assert await self.storage.accounts.create(account)
            self.people[name] = await self.sign_in(account.id)
        return self.people[name]

    async def sign_in(self, user_id: UUID) -> Person:
        """Open one more session of an account."""
        now = self.now()
        session = NewSession(
            id=new_id(now),
            user_id=user_id,
            token_hash=mint(REFRESH_TOKEN).secret_hash,
            created_at=now,
            expires_at=now + timedelta(days=3650),
        )
        await self.storage.sessions.open(session)
        return Person(self, user_id, session.id)

    async def with_key(self, owner: Person, *scopes: str) -> Person:
        """Return the same person with an API key of these scopes, or of none."""
        minted = mint(API_KEY)
        key = NewApiKey(
            id=new_id(self.now()),
            user_id=owner.user_id or LOCAL_USER_ID,
            name="key",
            prefix=minted.shown,
            secret_hash=minted.secret_hash,
            scopes=scopes,
            created_at=self.now(),
        )
        assert await self.storage.api_keys.create(key, 100)
        return Person(self, owner.user_id, api_key=minted.secret)

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Told:
        """Ask as a creator who signed in."""
        return await (await self.as_user()).ask(method, path, body, **more)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        query: tuple[tuple[str, str], ...] = (),
        peer: str = "127.0.0.1",
    ) -> Told:
        """Send a request as it is."""
        sent = {} if body is None and raw is None else {"content-type": "application/json"}
        path, _, search = path.partition("?")
        pairs = tuple(tuple(part.split("=", 1)) for part in search.split("&")) if search else query
        request = Request(
            method=method,
            path=path,
            query=pairs,
            headers=sent | {name.lower(): value for name, value in (headers or {}).items()},
            body=raw if raw is not None else b"" if body is None else json.dumps(body).encode(),
            peer=peer,
        )
        answer: Response = await self.api.respond(request)
        return Told(answer.status, answer.headers, answer.body, answer.stream)

    async def announce(self, title: str = "Rain", **more: Any) -> dict[str, Any]:
        """Create a video and return its representation."""
        told = await self.ask("POST", "/api/v1/videos", intent(title=title, **more))
        assert told.status == 201, told.body
        return told.json["video"]

    async def say(self, message: Message, message_id: str = "") -> int:
        """Publish a message; return its sequence."""
        made = seal(message, message_id=message_id or str(id(message)), priority=Priority.NORMAL)
        return (await self.bus.publish(made)).sequence

    def owned_by_another(self, video_id: str, **changes: Any) -> None:
        """Give a video to somebody else."""
        state = self.storage.videos.state
        state.keep(state.video(UUID(video_id)), user_id=UUID(int=LOCAL_USER_ID.int + 1), **changes)

    async def trail(self) -> list[tuple[str, str | None]]:
        """Return what was written down, sorted: the action and its target."""
        found = await self.storage.audit.page(actor_id=None, target=None, before=None, limit=1000)
        return sorted(((entry.action, entry.target) for entry in found), key=str)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Let the hub run."""
        task = asyncio.create_task(self.api.hub.run())
        await self.api.hub.live.wait()
        try:
            yield
        finally:
            self.api.drain()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def make_house(**changes: Any) -> House:
    clock = [START]

    def now() -> datetime:
        return clock[0]

    made = House(MemoryStorage(now=now), MemoryBus(), clock, **changes)
    made.build()
    return made


def intent(**changes: Any) -> dict[str, Any]:
    """The body of POST /videos."""
    upload = {"size_bytes": 1000, "content_type": "video/mp4"} | changes.pop("upload", {})
    return {"title": "Rain", "upload": upload} | changes
