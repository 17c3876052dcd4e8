-- A session is one sign-in and the family of its refresh tokens: each is used once, and leaves one successor.
create table sessions (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);

create index sessions_of_user on sessions (user_id, id);
create index sessions_by_end on sessions (least(expires_at, revoked_at));

create table refresh_tokens (
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    session_id uuid not null references sessions on delete cascade,
    created_at timestamptz not null,
    used_at timestamptz
);

create index refresh_tokens_of_session on refresh_tokens (session_id, used_at);
