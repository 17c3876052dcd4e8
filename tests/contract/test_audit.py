"""The contract of the audit trail, for the twin and for Postgres; and that Postgres keeps it as it is."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from storage.bundle import Storage
from storage.identity_records import AuditEntry
from subjects.ids import uuid7
from tests.contract.storage_values import NOW

FULL = {
    "target": "video:1",
    "address": "2001:db8::1",
    "request_id": "req-1",
    "details": {"count": 3, "roles": ["viewer", "admin"], "note": None},
}


@pytest.fixture
def actor() -> UUID:
    """Somebody without entries: nothing is ever deleted from the trail, between tests neither."""
    return uuid4()


def entry(milliseconds: int, **said: Any) -> AuditEntry:
    usual = {
        "id": uuid7(4_000_000_000_000 + milliseconds, uuid4().int),
        "at": NOW + timedelta(milliseconds=milliseconds),
        "actor_id": None,
        "action": "session.opened",
    }
    return AuditEntry(**(usual | said))


async def test_what_is_recorded_is_read_as_it_was(storage: Storage, actor: UUID) -> None:
    bare, full = entry(1, actor_id=actor), entry(2, actor_id=actor, **FULL)
    await storage.audit.record([bare, full])
    assert await storage.audit.page(actor_id=actor, target=None, before=None, limit=9) == [full, bare]


async def test_no_entries_are_no_error(storage: Storage) -> None:
    await storage.audit.record([])


async def test_a_known_id_changes_nothing(storage: Storage, actor: UUID) -> None:
    first = entry(1, actor_id=actor)
    await storage.audit.record([first])
    again = AuditEntry(id=first.id, at=NOW, actor_id=actor, action="session.closed")
    await storage.audit.record([again, entry(2, actor_id=actor)])
    kept = await storage.audit.page(actor_id=actor, target=None, before=None, limit=9)
    assert [(one.action) for one in kept] == ["session.opened", "session.opened"]
    assert kept[1] == first


async def test_one_id_twice_in_a_batch_is_one_entry(storage: Storage, actor: UUID) -> None:
    one = entry(1, actor_id=actor)
    await storage.audit.record([one, one])
    assert await storage.audit.page(actor_id=actor, target=None, before=None, limit=9) == [one]


async def test_pages_go_from_the_newest_to_the_oldest(storage: Storage, actor: UUID) -> None:
    made = [entry(number, actor_id=actor) for number in range(5)]
    await asyncio.gather(*(storage.audit.record([one]) for one in made))
    newest = await storage.audit.page(actor_id=actor, target=None, before=None, limit=2)
    assert newest == [made[4], made[3]]
    rest = await storage.audit.page(actor_id=actor, target=None, before=newest[-1].id, limit=9)
    assert rest == [made[2], made[1], made[0]]


async def test_entries_are_found_by_who_did_it_and_what_it_was_done_to(storage: Storage, actor: UUID) -> None:
    target, other = f"user:{uuid4()}", f"user:{uuid4()}"
    mine, theirs = entry(3, actor_id=actor, target=target), entry(2, actor_id=uuid4(), target=target)
    elsewhere = entry(1, actor_id=actor, target=other)
    await storage.audit.record([mine, theirs, elsewhere])
    assert await storage.audit.page(actor_id=None, target=target, before=None, limit=9) == [mine, theirs]
    assert await storage.audit.page(actor_id=actor, target=None, before=None, limit=9) == [mine, elsewhere]
    assert await storage.audit.page(actor_id=actor, target=target, before=None, limit=9) == [mine]
    assert await storage.audit.page(actor_id=uuid4(), target=target, before=None, limit=9) == []


async def test_without_a_filter_everybody_s_entries_are_listed(storage: Storage) -> None:
    later = [entry(10_000 + number, id=uuid7((1 << 48) - 1, uuid4().int)) for number in range(2)]
    await storage.audit.record(later)
    listed = await storage.audit.page(actor_id=None, target=None, before=None, limit=100)
    assert {one.id for one in later} <= {one.id for one in listed}
    assert [one.id for one in listed] == sorted((one.id for one in listed), reverse=True)


async def test_text_that_no_database_holds_is_kept_as_far_as_it_can_be(storage: Storage, actor: UUID) -> None:
    await storage.audit.record([entry(1, actor_id=actor, target="a\x00b", request_id="c\x00d")])
    (kept,) = await storage.audit.page(actor_id=actor, target=None, before=None, limit=9)
    assert (kept.target, kept.request_id) == ("a\ufffdb", "c\ufffdd")


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entries set action = 'nothing.done'",
        "delete from audit_entries",
        "truncate audit_entries",
        """
        insert into audit_entries (id, at, action) select id, at, action from audit_entries
        on conflict (id) do update set action = 'nothing.done'
        """,
    ],
    ids=["update", "delete", "truncate", "upsert"],
)
async def test_not_even_the_owner_of_the_table_changes_a_line(
    shared_database_url: str, statement: str
) -> None:
    connection = await asyncpg.connect(shared_database_url)
    try:
        await connection.execute(
            "insert into audit_entries (id, at, action) values ($1, now(), 'key.made')", uuid4()
        )
        before = await connection.fetch("select id, action from audit_entries order by id")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await connection.execute(statement)
        assert await connection.fetch("select id, action from audit_entries order by id") == before
    finally:
        await connection.close()
