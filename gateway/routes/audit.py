"""`GET /api/v1/admin/audit`: who did what to what, newest first."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta

from gateway.cursor import decode_cursor, encode_cursor
from gateway.ports import Surroundings
from gateway.route import Answer, Call, Query, Reply, Route
from gateway.signing import keys_of
from storage.identity_records import AuditEntry


class AuditQuery(Query, frozen=True, kw_only=True):
    """Which entries to list, newest first. Filters hold together."""

    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most")] = 20
    cursor: Annotated[str, Meta(max_length=200, description="`next_cursor` of the page before")] | None = None
    actor_id: UUID | None = None
    target: (
        Annotated[str, Meta(max_length=200, description="user:<id>, video:<id>, key:<id> or dead-letter:<n>")]
        | None
    ) = None


class AuditLine(Answer, frozen=True, kw_only=True):
    """One line of the audit trail."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    """Who did it; null for nobody known."""
    action: str
    target: str | None
    address: str | None
    request_id: str | None
    details: dict[str, Any]


class AuditPage(Answer, frozen=True, kw_only=True):
    """A page of the audit trail, newest first."""

    data: tuple[AuditLine, ...]
    next_cursor: str | None


async def list_audit(house: Surroundings, call: Call) -> Reply:
    """Return a page of the audit trail."""
    asked: AuditQuery = call.query
    seal_keys = keys_of(house.config)
    before = decode_cursor(seal_keys, asked.cursor)[1] if asked.cursor is not None else None
    found = await house.ports.audit.page(
        actor_id=asked.actor_id, target=asked.target, before=before, limit=asked.limit + 1
    )
    shown = found[: asked.limit]
    more = len(found) > asked.limit
    cursor = encode_cursor(seal_keys[0], shown[-1].at, shown[-1].id) if more else None
    return Reply(body=AuditPage(data=tuple(map(present_entry, shown)), next_cursor=cursor))


def present_entry(entry: AuditEntry) -> AuditLine:
    """Return an entry's representation. Pure."""
    return AuditLine(
        id=entry.id,
        at=entry.at,
        actor_id=entry.actor_id,
        action=entry.action,
        target=entry.target,
        address=entry.address,
        request_id=entry.request_id,
        details=entry.details,
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/admin/audit",
        handler=list_audit,
        summary="List the audit trail, newest first",
        group="Operations",
        query=AuditQuery,
        answer=AuditPage,
        needs="audit.read",
    ),
)
