-- Keys of services. The secret is shown once and kept as a hash; a revoked key stays, for the audit trail.
create table api_keys (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    name text not null check (length(name) between 1 and 200),
    prefix text not null check (length(prefix) between 1 and 20),
    secret_hash bytea not null unique check (octet_length(secret_hash) = 32),
    scopes text[] not null check (cardinality(scopes) between 1 and 20),
    created_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz
);

create index api_keys_of_user on api_keys (user_id, id);
