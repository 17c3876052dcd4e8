-- name: lock_owner
-- Whoever makes keys for one account takes turns, so that each counts what the one before kept.
select id from users where id = $1 and closed_at is null limit 1 for no key update;

-- name: create_key
-- Runs behind `lock_owner`.
with alive as (
    select count(*) as keys from api_keys where user_id = $2 and revoked_at is null
),
kept as (
    insert into api_keys (id, user_id, name, prefix, secret_hash, scopes, created_at)
    select $1, $2, $3, $4, $5, $6, $7 from alive where keys < $8
    on conflict (id) do nothing
    returning id
)
select exists (select from kept) or exists (select from api_keys where id = $1 limit 1) as known
limit 1;

-- name: page_keys
select k.id, k.user_id, k.name, k.prefix, k.scopes, k.created_at, k.last_used_at, k.revoked_at
from api_keys k
join users u on u.id = k.user_id
where k.user_id = $1 and k.revoked_at is null and u.closed_at is null and ($2::uuid is null or k.id > $2)
order by k.id
limit $3;

-- name: revoke_key
update api_keys k
set revoked_at = $3
from users u
where k.id = $1 and k.user_id = $2 and k.revoked_at is null and u.id = k.user_id and u.closed_at is null
returning k.id;

-- name: find_key_standing
select k.id, k.user_id, k.scopes, u.role
from api_keys k
join users u on u.id = k.user_id
where k.secret_hash = $1 and k.revoked_at is null and u.closed_at is null
limit 1;

-- name: touch_key
-- The latest time stands, whichever process tells it.
update api_keys
set last_used_at = $2
where id = $1 and revoked_at is null and (last_used_at is null or last_used_at < $2);
