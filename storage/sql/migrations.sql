-- name: take_turn
select pg_try_advisory_lock(7308332045017015661);

-- name: end_turn
select pg_advisory_unlock(7308332045017015661);

-- name: create_schema_migrations
create table if not exists schema_migrations (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
);

-- name: has_schema_migrations
select to_regclass('schema_migrations') is not null;

-- name: list_schema_migrations
select name, sha256 from schema_migrations order by name limit 10000;

-- name: record_schema_migration
insert into schema_migrations (name, sha256) values ($1, $2);
