-- Idempotency keys of POST requests and the answers given to them. Old ones are forgotten by later claims.
create table idempotency_keys (
    user_id uuid not null references users on delete cascade,
    key text not null check (length(key) between 1 and 500),
    fingerprint text not null check (length(fingerprint) between 1 and 200),
    resource_id uuid not null,
    claimed_at timestamptz not null default now(),
    status smallint check (status between 100 and 599),
    headers jsonb,
    body bytea,
    primary key (user_id, key),
    check (num_nonnulls(status, headers, body) in (0, 3))
);

create index idempotency_keys_oldest on idempotency_keys (claimed_at);
