"""Every named query, given what is user A's: who may run it so, or why nobody's data is behind it.

All that is A's has MARK in it, so that whatever returns it is caught.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from storage.asking import SIGN_IN, Asking

MARK = "aaaaaaaa"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER, BEFORE, LONG_AGO = NOW + timedelta(days=30), NOW - timedelta(hours=1), NOW - timedelta(days=90)
DAY = NOW.date()


def marked(number: int) -> UUID:
    return UUID(f"{MARK}-0000-7000-8000-{number:012d}")


A, CLOSED, LEFT, B = marked(1), marked(2), marked(3), UUID("bbbbbbbb-0000-7000-8000-000000000001")
VIDEO, WAITING, OF_CLOSED = marked(11), marked(12), marked(13)
OPEN, PART, GIVEN_UP, OF_LEFT, LOOSE = marked(21), marked(22), marked(23), marked(24), marked(25)
SESSION, ENDED, KEY, LINE = marked(31), marked(32), marked(41), marked(51)
TOKEN, SECRET, EMAIL = b"\xaa" * 32, b"\xaa" * 31 + b"k", b"\xaa" * 31 + b"e"
USED = b"\xaa" * 31 + b"u"
WRAPPED = b"\xaa" * 9
WORDS = [MARK]


def other(number: int) -> UUID:
    """An id of nobody's yet."""
    return UUID(f"cccccccc-0000-7000-8000-{number:012d}")


_KEPT = "'private', false, 'high'"
_FILE = f"'', '{MARK}'"
_OVER = f"'terminated', '{NOW}', '{NOW}'"
WORLD = f"""
insert into users (id, data_key, email_hash, email_sealed, name_sealed, password_hash) values
    ('{A}', '\\x{WRAPPED.hex()}', '\\x{EMAIL.hex()}', '\\xaaaaaaaa', '\\xaaaaaaaa', '{MARK}');
insert into users (id, closed_at) values ('{CLOSED}', '{BEFORE}'), ('{LEFT}', '{BEFORE}');
insert into users (id) values ('{B}');
insert into videos (
    id, user_id, title, title_words, description_words, visibility, placed_by_owner, priority, status,
    created_at, updated_at
) values
    ('{VIDEO}', '{A}', '{MARK}', '{{{MARK}}}', '{{}}', {_KEPT}, 'failed', '{NOW}', '{NOW}'),
    ('{WAITING}', '{A}', '{MARK}', '{{}}', '{{}}', {_KEPT}, 'waiting', '{NOW}', '{NOW}'),
    ('{OF_CLOSED}', '{CLOSED}', '{MARK}', '{{}}', '{{}}', {_KEPT}, 'ready', '{NOW}', '{NOW}');
insert into stages (video_id, name, state, attempt, error)
values ('{VIDEO}', 'prober', 'failed', 1, '{MARK}');
insert into originals (video_id, user_id, key, size_bytes, sha256, content_type)
values ('{VIDEO}', '{A}', 'videos/{VIDEO}/original.mp4', 1, '{MARK}', 'video/mp4');
insert into probes (video_id, metadata) values ('{VIDEO}', '{{"codec": "{MARK}"}}');
insert into illustrations (video_id, pictures) values ('{VIDEO}', '{{"poster": "{MARK}"}}');
insert into encoding_plans (video_id, pass, plan) values ('{VIDEO}', 0, '{{"key": "{MARK}"}}');
insert into encoded_chunks (video_id, pass, chunk, tracks, missing) values ('{VIDEO}', 0, 0, '["{MARK}"]', 0);
insert into renditions (video_id, name, body) values ('{VIDEO}', 'original', '{{"init_key": "{MARK}"}}');
insert into packages (video_id, version, hls_key) values ('{VIDEO}', 1, '{MARK}');
insert into warnings (video_id, stage, code, detail) values ('{VIDEO}', 'transcoder', '{MARK}', '{MARK}');
insert into uploads (
    id, user_id, video_id, length_bytes, offset_bytes, content_type, filename, partial, state,
    created_at, expires_at, closed_at, swept_at
) values
    ('{OPEN}', '{A}', '{VIDEO}', null, 4, {_FILE}, false, 'open', '{NOW}', '{BEFORE}', null, null),
    ('{PART}', '{A}', null, 4, 4, {_FILE}, true, 'complete', '{NOW}', '{BEFORE}', null, null),
    ('{GIVEN_UP}', '{A}', '{WAITING}', 9, 4, {_FILE}, false, {_OVER}, '{NOW}', null),
    ('{OF_LEFT}', '{CLOSED}', null, 9, 4, {_FILE}, false, {_OVER}, '{NOW}', '{NOW}'),
    ('{LOOSE}', '{CLOSED}', null, 9, 4, {_FILE}, false, 'open', '{NOW}', '{LATER}', null, null);
insert into upload_segments (upload_id, offset_bytes, key, size_bytes) values
    ('{OPEN}', 0, '{MARK}', 4), ('{PART}', 0, '{MARK}', 4), ('{GIVEN_UP}', 0, '{MARK}', 4);
insert into sessions (id, user_id, created_at, expires_at) values
    ('{SESSION}', '{A}', '{NOW}', '{LATER}'), ('{ENDED}', '{A}', '{LONG_AGO}', '{LONG_AGO}');
insert into refresh_tokens (token_hash, session_id, created_at, used_at) values
    ('\\x{TOKEN.hex()}', '{SESSION}', '{NOW}', null),
    ('\\x{USED.hex()}', '{SESSION}', '{LONG_AGO}', '{LONG_AGO}');
insert into api_keys (id, user_id, name, prefix, secret_hash, scopes, created_at)
values ('{KEY}', '{A}', '{MARK}', '{MARK}', '\\x{SECRET.hex()}', '{{videos:read}}', '{NOW}');
insert into upload_days (user_id, day, uploads, size_bytes) values
    ('{A}', '{DAY}', 1, 1), ('{A}', '{LONG_AGO.date()}', 1, 1);
insert into idempotency_keys (user_id, key, fingerprint, resource_id)
values ('{A}', 'k', '{MARK}', '{VIDEO}');
insert into audit_entries (id, at, actor_id, action, target)
values ('{LINE}', '{NOW}', '{A}', 'session.opened', 'user:{A}');
"""  # noqa: S608 - a test's own text


@dataclass(frozen=True, kw_only=True)
class Case:
    """A query given what is A's. `asker` is who may run it so; None when the gateway never does."""

    given: tuple[Any, ...]
    asker: Asking | None


AS_A, AS_CLOSED = Asking(user_id=A), Asking(user_id=CLOSED)
ADMIN, MODERATOR = Asking(user_id=B, role="admin"), Asking(user_id=B, role="moderator")
AUDITOR = Asking(user_id=B, role="auditor")


def mine(*given: Any) -> Case:
    return Case(given=given, asker=AS_A)


def work(*given: Any) -> Case:
    return Case(given=given, asker=None)


def by(asker: Asking, *given: Any) -> Case:
    return Case(given=given, asker=asker)


def _upload(number: int, video_id: UUID | None, *more: Any) -> tuple[Any, ...]:
    return (other(number), A, video_id, 9, "video/mp4", MARK, None, video_id is None, NOW, LATER, *more)


_NEWS = ("video.deleted.normal.x", "{}", b"{}")
_VIDEO = (other(1), A, MARK, None, WORDS, [], "private", None, None, None, None, "normal", NOW)
_CHANGES = (True, MARK, WORDS, False, None, None, False, None, False, None, None, None)
_DONE = (VIDEO, "prober", "done", 1, None, True)

CASES: Mapping[str, Mapping[str, Case]] = {
    "videos": {
        "create_video": mine(*_VIDEO, *_upload(2, other(1)), None, None, 0),
        "find_video": mine(VIDEO, None),
        "page_videos": mine(A, None, None, A, None, WORDS, *([None] * 6), 20),
        "edit_video": mine(VIDEO, A, *_CHANGES),
        "remove_video": mine(VIDEO, A, *_NEWS),
        "reopen_video": mine(VIDEO, A),
        "lock_content": mine(VIDEO, "x"),
        "record_original": work(WAITING, A, f"videos/{WAITING}/original.mp4", 1, "x", "video/mp4"),
        "record_probe": work(VIDEO, "{}", 1.0, 1.0, "container", None),
        "record_illustration": work(VIDEO, "{}"),
        "reject_video": work(VIDEO, None, "not_media", MARK),
        "finish_video": work(VIDEO),
    },
    "stages": {"settle_stage": work(*_DONE)},
    "renditions": {
        "lock_rendered": work(VIDEO),
        "keep_plan": work(VIDEO, 1, "{}"),
        "find_plan": mine(VIDEO, 0),
        "keep_chunk": work(VIDEO, 0, 1, "[]", 3),
        "find_missing": work(VIDEO, 0, 0),
        "recorded_chunks": work(VIDEO, 0),
        "find_chunks": mine(VIDEO, 0),
        "forget_chunks": work(VIDEO, 0, [0]),
        "count_missing_again": work(VIDEO, 0, 3),
        "forget_announcements": work(VIDEO, 0),
        "count_forgotten": work(VIDEO, 0),
        "record_rendition": work(VIDEO, "720p-h264", "{}"),
        "find_renditions": mine(VIDEO),
        "find_package": mine(VIDEO),
        "keep_package": work(VIDEO, 2, MARK, None),
        "announce_package": work(VIDEO, 0, 1),
        "package_of_version": mine(VIDEO, 1),
        "record_warnings": work(VIDEO, '[{"stage": "encoder", "code": "x", "detail": "x"}]'),
        "withdraw_warning": work(VIDEO, "encoder", "x"),
        "record_playable": work(WAITING),
    },
    "uploads": {
        "create_upload": mine(*_upload(2, None), None, None, 0),
        "find_upload": mine(OPEN),
        "page_uploads": mine(A, None, 20),
        "declare_length": mine(OPEN, 9, None, None),
        "append_segments": mine(OPEN, 4, 1, LATER, ["x"], [1], None, None, None),
        "lock_uploads": mine([PART]),
        "create_final_upload": mine(*_upload(2, VIDEO)),
        "move_segments": mine(OPEN, [PART], [4]),
        "terminate_upload": mine(OPEN),
        "reject_abandoned": mine([GIVEN_UP], "upload_cancelled", MARK),
        "find_uploads": mine([OPEN], 9),
        "expire_uploads": work(NOW, 9),
        "uploads_to_sweep": work(NOW, 9),
        "sweep_uploads": work([GIVEN_UP]),
    },
    "idempotency": {
        "claim_key": mine(A, "other", "x", other(3), 1.0),
        "find_key": mine(A, "k"),
        "answer_key": mine(A, "k", 200, "{}", b""),
        "release_key": mine(A, "k"),
    },
    "accounts": {
        "create_account": by(SIGN_IN, other(4), b"k", [b"\xbb" * 32], b"e", b"n", MARK, "creator", NOW),
        "find_account": mine(A),
        "lock_account": mine(A),
        "find_credentials": by(SIGN_IN, [EMAIL]),
        "find_password": mine(A),
        "replace_password": mine(A, MARK, f"{MARK}2"),
        "end_sessions": mine(A, None),
        "edit_account": mine(A, None, None, None, None, f"{MARK}2"),
        "set_role": by(ADMIN, A, "moderator"),
        "page_accounts": by(ADMIN, None, 20),
        "page_upload_days": mine(A, None, 20),
        "accounts_under_older_keys": work(b"\x01" * 8, 20),
        "rewrap_account": work(A, WRAPPED, EMAIL, b"\xab" * 9, EMAIL),
    },
    "sessions": {
        "open_session": mine(other(5), A, b"\xcc" * 32, NOW, LATER, MARK),
        "lock_family": by(SIGN_IN, TOKEN, NOW),
        "rotate_token": by(SIGN_IN, TOKEN, b"\xcc" * 32, SESSION, NOW, LATER),
        "revoke_session": by(SIGN_IN, TOKEN, NOW),
        "revoke_sessions": mine(A, NOW),
        "page_sessions": mine(A, 20, None, None),
        "find_session_standing": by(SIGN_IN, SESSION, NOW),
    },
    "api_keys": {
        "lock_owner": mine(A),
        "create_key": mine(other(6), A, MARK, MARK, b"\xcc" * 32, ["videos:read"], NOW, 9),
        "page_keys": mine(A, None, 20),
        "revoke_key": mine(KEY, A, NOW),
        "find_key_standing": by(SIGN_IN, SECRET),
        "touch_key": mine(KEY, NOW),
    },
    "audit": {
        "page_entries": by(AUDITOR, A, None, None, 20),
    },
    "departures": {
        "close_account": mine(A, other(7)),
        "forget_account": mine(A, *_NEWS),
        "videos_of_closed": by(AS_CLOSED, CLOSED, 20),
        "terminate_uploads": by(AS_CLOSED, CLOSED),
        "purge_uploads": work(NOW + timedelta(days=9), 20),
        "purge_sessions": work(NOW, 20),
        "purge_days": work(NOW, 20),
        "purge_accounts": work(20),
    },
}

NOBODYS: Mapping[str, Mapping[str, str]] = {
    "migrations": dict.fromkeys(
        (
            *("take_turn", "end_turn", "create_schema_migrations", "has_schema_migrations"),
            *("list_schema_migrations", "record_schema_migration"),
        ),
        "says what files there are, for whoever migrates",
    ),
    "outbox": dict.fromkeys(
        ("promise", "pending_lines", "cross_out"), "lines are the relay's, whoever promised them"
    ),
    "confinement": {"find_freedom": "tells of the connected database user alone"},
    "accounts": {
        "take_emails": "holds a number, and reads no table",
        "is_taken": "tells whether an e-mail is taken, which everybody is told, and nothing of whose it is",
    },
    "audit": {"record_entries": "only adds lines, also of attempts by nobody known"},
}
