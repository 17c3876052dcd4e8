"""`GET /api/v1/admin/audit`: who did what to what, newest first."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta

from gateway.paging import PageQuery
from gateway.ports import Surroundings
from gateway.route import Answer, Call, Reply, Route
from storage.identity_records import AuditEntry


class AuditQuery(PageQuery, frozen=True, kw_only=True):
    """Which entries to list, newest first. Filters hold together."""

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
    before = asked.find_id(house.config)
    found = await house.ports.audit.page(
        actor_id=asked.actor_id, target=asked.target, before=before, limit=asked.one_more
    )
    shown, cursor = asked.cut(house.config, found, lambda entry: (entry.at, entry.id))
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
