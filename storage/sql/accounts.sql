-- name: take_emails
-- Whoever is about to give an account an e-mail holds it, under every key's hash, until the end of the
-- transaction. The locks come in sorted order, so that two cannot wait for each other in a circle.
select pg_advisory_xact_lock(held)
from unnest($1::bigint[]) as held
limit 100;

-- name: create_account
-- Runs behind `take_emails`, so its snapshot has whatever an earlier holder kept. `known` is also what a
-- repetition is told, which keeps nothing.
with kept as (
    insert into users (
        id, data_key, email_hash, email_sealed, name_sealed, password_hash, role, created_at, updated_at
    )
    select $1, $2, ($3::bytea[])[1], $4, $5, $6, $7, $8::timestamptz, $8::timestamptz
    where not email_is_taken($3::bytea[], $1)
    on conflict do nothing
    returning id
)
select exists (select from kept) or exists (select from users where id = $1 limit 1) as known
limit 1;

-- name: find_account
select id, data_key, email_sealed, name_sealed, role, created_at, updated_at
from users
where id = $1 and closed_at is null
limit 1;

-- name: lock_account
select id, data_key, email_sealed, name_sealed, role, created_at, updated_at, password_hash
from users
where id = $1 and closed_at is null
limit 1
for no key update;

-- name: find_credentials
select id, data_key, email_sealed, name_sealed, role, created_at, updated_at, password_hash
from users
where email_hash = any($1::bytea[]) and password_hash is not null and closed_at is null
order by created_at, id
limit 1;

-- name: find_password
select password_hash from users where id = $1 and closed_at is null limit 1;

-- name: replace_password
update users
set password_hash = $3
where id = $1 and password_hash = $2 and closed_at is null
returning id;

-- name: is_taken
select email_is_taken($1::bytea[], $2) as taken limit 1;

-- name: edit_account
-- Runs behind `lock_account`. What is null stays as it is.
update users
set data_key = coalesce($2, data_key),
    email_hash = coalesce($3, email_hash),
    email_sealed = coalesce($4, email_sealed),
    name_sealed = coalesce($5, name_sealed),
    password_hash = coalesce($6, password_hash),
    updated_at = now()
where id = $1
returning id, data_key, email_sealed, name_sealed, role, created_at, updated_at;

-- name: end_sessions
-- A statement of its own behind `edit_account`, in its transaction: it sees whoever signed in before the lock was
-- had. Locked in the order of their ids, so that two who end the same sessions cannot wait for each other.
with others as (
    select id
    from sessions
    where user_id = $1 and revoked_at is null and ($2::uuid is null or id <> $2)
    order by id
    for update
)
update sessions set revoked_at = now() where id in (select id from others);

-- name: set_role
update users
set role = $2, updated_at = now()
where id = $1 and closed_at is null
returning id, data_key, email_sealed, name_sealed, role, created_at, updated_at;

-- name: page_accounts
select id, data_key, email_sealed, name_sealed, role, created_at, updated_at
from users
where closed_at is null and ($1::uuid is null or id > $1)
order by id
limit $2;

-- name: page_upload_days
select d.user_id, d.day, d.uploads, d.size_bytes
from upload_days d
join users u on u.id = d.user_id
where d.user_id = $1 and u.closed_at is null and ($2::date is null or d.day > $2)
order by d.day
limit $3;

-- name: accounts_under_older_keys
-- Two ranges of one index, on either side of the newest key's name: what is done is never read again.
(
    select id, data_key, email_hash, email_sealed
    from users
    where substring(data_key from 1 for 8) < $1 and closed_at is null
    order by substring(data_key from 1 for 8), id
    limit $2
)
union all
(
    select id, data_key, email_hash, email_sealed
    from users
    where substring(data_key from 1 for 8) > $1 and closed_at is null
    order by substring(data_key from 1 for 8), id
    limit $2
)
limit $2;

-- name: rewrap_account
-- Only as it was read: an edit in between has given it the newest key, or its own next turn.
update users
set data_key = $4, email_hash = $5
where id = $1 and data_key = $2 and email_hash is not distinct from $3 and closed_at is null
returning id;
