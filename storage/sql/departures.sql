-- name: close_account
-- The account first and alone, as whoever announces an upload locks it: what follows sees all they did.
-- The seeded one ($2) belongs to the installation.
update users
set data_key = null,
    email_hash = null,
    email_sealed = null,
    name_sealed = null,
    password_hash = null,
    role = 'viewer',
    updated_at = now(),
    closed_at = now()
where id = $1 and id <> $2 and closed_at is null
returning id;

-- name: forget_account
-- Refresh tokens go with their sessions.
with ended as (
    delete from sessions where user_id = $1
),
revoked as (
    delete from api_keys where user_id = $1
),
forgotten as (
    delete from idempotency_keys where user_id = $1
),
uncounted as (
    delete from upload_days where user_id = $1
)
insert into outbox (subject, headers, body) values ($2, $3, $4);

-- name: videos_of_closed
select v.id
from videos v
join users u on u.id = v.user_id
where v.user_id = $1 and u.closed_at is not null
order by v.created_at, v.id
limit $2;

-- name: terminate_uploads
-- Those of videos end with their videos; parts that were used ended then.
update uploads
set state = 'terminated', closed_at = now()
where user_id in (select id from users where id = $1 and closed_at is not null)
    and video_id is null
    and (state = 'open' or (state = 'complete' and partial))
returning id;

-- name: purge_uploads
-- Swept a week ago, or of somebody who left. Two branches, so that each has its index.
with old as (
    (
        select id
        from uploads
        where swept_at < $1::timestamptz - interval '7 days'
        order by swept_at
        limit $2
    )
    union
    (
        select u.id
        from users a
        join uploads u on u.user_id = a.id
        where a.closed_at is not null and u.swept_at is not null
        limit $2
    )
)
delete from uploads
where id in (select id from old limit $2)
returning id;

-- name: purge_sessions
delete from sessions
where id in (
    select id
    from sessions
    where least(expires_at, revoked_at) < $1::timestamptz - interval '30 days'
    order by least(expires_at, revoked_at)
    limit $2
)
returning id;

-- name: purge_days
delete from upload_days
where (user_id, day) in (
    select user_id, day
    from upload_days
    where day < ($1::timestamptz at time zone 'UTC')::date - 7
    order by day
    limit $2
)
returning day;

-- name: purge_accounts
delete from users
where id in (
    select u.id
    from users u
    where u.closed_at is not null
        and not exists (select from videos v where v.user_id = u.id)
        and not exists (select from originals o where o.user_id = u.id)
        and not exists (select from uploads p where p.user_id = u.id)
    order by u.closed_at, u.id
    limit $1
)
returning id;
