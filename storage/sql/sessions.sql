-- name: open_session
-- The account is locked as it was verified ($6, null for unseen): who changes its password, or closes it, locks it
-- first, too, and then ends the sessions that are here.
with owner as (
    select id
    from users
    where id = $2 and closed_at is null and ($6::text is null or password_hash = $6)
    limit 1
    for share
),
opened as (
    insert into sessions (id, user_id, created_at, expires_at)
    select $1, id, $4::timestamptz, $5::timestamptz from owner
    on conflict (id) do nothing
    returning id
),
given as (
    insert into refresh_tokens (token_hash, session_id, created_at)
    select $3, id, $4::timestamptz from opened
)
select exists (select from owner) as verified limit 1;

-- name: lock_family
-- Those who present tokens of one family take turns here, before any looks whether its token was used.
select s.id, s.user_id
from sessions s
join users u on u.id = s.user_id
where s.id = (select session_id from refresh_tokens where token_hash = $1 limit 1)
    and s.revoked_at is null and s.expires_at > $2 and u.closed_at is null
limit 1
for update of s;

-- name: rotate_token
-- Runs behind `lock_family`. A token that comes twice ends its session. Tokens that were used longer ago than a
-- session lives would have expired by themselves: they are forgotten, so that a family does not grow for ever.
with used as (
    update refresh_tokens
    set used_at = $4
    where token_hash = $1 and used_at is null
    returning session_id
),
successor as (
    insert into refresh_tokens (token_hash, session_id, created_at)
    select $2, session_id, $4 from used
),
forgotten as (
    delete from refresh_tokens
    where session_id in (select session_id from used)
        and used_at < $4::timestamptz - ($5::timestamptz - $4::timestamptz)
)
update sessions
set expires_at = case when exists (select from used) then $5 else expires_at end,
    revoked_at = case when exists (select from used) then null else $4::timestamptz end
where id = $3
returning revoked_at is null as rotated;

-- name: revoke_session
update sessions s
set revoked_at = $2
from users u
where s.id = (select session_id from refresh_tokens where token_hash = $1 limit 1)
    and u.id = s.user_id and u.closed_at is null
    and s.revoked_at is null and s.expires_at > $2
returning s.id, s.user_id;

-- name: revoke_sessions
-- Locked in the order of their ids, so that two who end the same sessions cannot wait for each other in a circle.
with alive as (
    select id
    from sessions
    where user_id = $1 and revoked_at is null and expires_at > $2
    order by id
    for update
),
ended as (
    update sessions set revoked_at = $2 where id in (select id from alive) returning id
)
select count(*) as ended from ended limit 1;

-- name: page_sessions
select s.id, s.created_at, s.expires_at, s.revoked_at
from sessions s
join users u on u.id = s.user_id
where s.user_id = $1 and u.closed_at is null
    and ($3::uuid is null or s.id < $3)
    and ($4::timestamptz is null or (s.revoked_at is null and s.expires_at > $4))
order by s.id desc
limit $2;

-- name: find_session_standing
select s.id, s.user_id, u.role
from sessions s
join users u on u.id = s.user_id
where s.id = $1 and s.revoked_at is null and s.expires_at > $2 and u.closed_at is null
limit 1;
