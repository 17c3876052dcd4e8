"""The audit trail: what is written down of who did what, to what, from where.

    await record(house, call, "session.closed", target=user_target(account.id), session=str(session_id))

A line tells of something that has been done: when it cannot be kept, it goes to the log.
"""

import logging
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from prometheus_client import Counter

from gateway.caller import Caller
from gateway.ports import Surroundings
from gateway.route import Call
from storage.errors import StorageError
from storage.identity_ports import Audit
from storage.identity_records import AuditEntry
from storage.records import Video
from subjects.ids import new_id

logger = logging.getLogger(__name__)

Action = Literal[
    "account.registered",
    "account.changed",
    "account.exported",
    "account.closed",
    "password.changed",
    "session.opened",
    "session.refused",
    "session.closed",
    "session.reused",
    "role.changed",
    "key.created",
    "key.used",
    "key.revoked",
    "video.edited",
    "video.deleted",
    "video.retried",
    "dead-letter.replayed",
    "dead-letter.dropped",
]
"""`session.refused`: a sign-in that failed. `session.reused`: a refresh token came twice, so its session
ended. Of videos: deleted by whomever, edited or retried by another than their owner. `key.used`: an hour's
first by a key from a network."""

ENTRIES: Final = Counter("truthtok_api_audit_entries", "What was written to the audit trail", ("action",))


def user_target(user_id: UUID) -> str:
    """Return an account as an entry names it."""
    return f"user:{user_id}"


def video_target(video: Video) -> str:
    """Return a video as an entry names it."""
    return f"video:{video.id}"


def key_target(key_id: UUID) -> str:
    """Return an API key as an entry names it."""
    return f"key:{key_id}"


def entry_of(
    action: Action,
    caller: Caller,
    now: datetime,
    request_id: str,
    *,
    actor_id: UUID | None = None,
    target: str | None = None,
    **details: Any,
) -> AuditEntry:
    """Return an entry; `actor_id` for somebody who became known only now. Details hold nothing personal."""
    known = caller.user_id if caller.is_known else None
    by_key = {"key": str(caller.key_id)} if caller.key_id is not None else {}
    return AuditEntry(
        id=new_id(now),
        at=now,
        actor_id=actor_id or known,
        action=action,
        target=target,
        address=caller.address or None,
        request_id=request_id or None,
        details=by_key | details,
    )


async def keep(audit: Audit, entry: AuditEntry) -> None:
    """Append an entry, else write it to the log."""
    ENTRIES.labels(entry.action).inc()
    try:
        await audit.record([entry])
    except StorageError as error:
        logger.error("audit entry not kept (%s): %s", error, msgspec.json.encode(entry).decode())  # noqa: TRY400


async def record(
    house: Surroundings,
    call: Call,
    action: Action,
    *,
    actor_id: UUID | None = None,
    target: str | None = None,
    **details: Any,
) -> None:
    """Write down what a call has done."""
    now = house.ports.now()
    entry = entry_of(action, call.caller, now, call.request_id, actor_id=actor_id, target=target, **details)
    await keep(house.ports.audit, entry)
