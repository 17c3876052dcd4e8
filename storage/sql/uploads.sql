-- name: create_upload
-- Counted only when it is new; what is beyond the owner's limits ($11, $12) is undone by `count_upload`.
with kept as (
    insert into uploads (
        id, user_id, video_id, length_bytes, content_type, filename, sha256, partial, created_at, expires_at,
        reserved_bytes
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $13)
    on conflict (id) do nothing
    returning user_id, created_at, coalesce(length_bytes, reserved_bytes) as announced_bytes
)
select count_upload(user_id, created_at, 1, announced_bytes, $11::integer, $12::bigint) as counted
from kept
limit 1;

-- name: find_upload
select
    u.id, u.user_id, u.video_id, u.length_bytes, u.content_type, u.filename, u.sha256, u.partial,
    u.created_at, u.expires_at, u.state, u.offset_bytes, coalesce(v.priority, 'normal') as priority,
    (
        select jsonb_agg(jsonb_build_object('key', s.key, 'size_bytes', s.size_bytes) order by s.offset_bytes)
        from upload_segments s
        where s.upload_id = u.id
    ) as segments
from uploads u
left join videos v on v.id = u.video_id
where u.id = $1
limit 1;

-- name: page_uploads
select
    u.id, u.user_id, u.video_id, u.length_bytes, u.content_type, u.filename, u.sha256, u.partial,
    u.created_at, u.expires_at, u.state, u.offset_bytes, coalesce(v.priority, 'normal') as priority,
    null::jsonb as segments
from uploads u
left join videos v on v.id = u.video_id
where u.user_id = $1 and ($2::uuid is null or u.id > $2)
order by u.id
limit $3;

-- name: declare_length
-- Locked first: of two who declare the same at once, the second finds it declared and counts nothing.
-- What was reserved for it is in the account already.
with before as (
    select id, user_id, created_at, length_bytes, reserved_bytes from uploads where id = $1 limit 1 for update
),
declared as (
    update uploads
    set length_bytes = $2,
        state = case when partial and offset_bytes = $2 then 'complete' else state end
    where id in (select id from before)
        and (length_bytes = $2 or (length_bytes is null and state = 'open' and offset_bytes <= $2))
    returning id
)
select d.id
from declared d
join before b on b.id = d.id
where case
    when b.length_bytes is null
        then count_upload(b.user_id, b.created_at, 0, $2 - b.reserved_bytes, $3::integer, $4::bigint)
    else true
end
limit 1;

-- name: append_segments
-- One statement, so one transaction. Of two writers at one offset the second waits for the row,
-- finds another offset there and changes nothing.
with moved as (
    update uploads
    set offset_bytes = offset_bytes + $3,
        expires_at = $4,
        state = case
            when $7::text is not null or (partial and offset_bytes + $3 = length_bytes) then 'complete'
            else state
        end
    where id = $1 and state = 'open' and offset_bytes = $2
        and (length_bytes is null or offset_bytes + $3 <= length_bytes)
        and ($7::text is null or offset_bytes + $3 = length_bytes)
    returning id
),
kept as (
    insert into upload_segments (upload_id, offset_bytes, key, size_bytes)
    select
        moved.id,
        $2 + sum(added.size_bytes) over (order by added.position) - added.size_bytes,
        added.key,
        added.size_bytes
    from moved
    cross join unnest($5::text[], $6::bigint[]) with ordinality as added (key, size_bytes, position)
),
promised as (
    insert into outbox (subject, headers, body)
    select $7, $8::jsonb, $9::bytea from moved where $7::text is not null
)
select id from moved limit 1;

-- name: lock_uploads
select id, user_id, partial, state, offset_bytes
from uploads
where id = any($1::uuid[])
order by id
limit 10000
for update;

-- name: create_final_upload
insert into uploads (
    id, user_id, video_id, length_bytes, content_type, filename, sha256, partial, created_at, expires_at,
    offset_bytes, state
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $4, 'complete')
on conflict (id) do nothing
returning id;

-- name: move_segments
-- $2 are the partials in order, $3 where each begins in the final upload.
with used as (
    update uploads
    set state = 'terminated', closed_at = now(), used_in = $1
    where id = any($2::uuid[])
)
update upload_segments s
set upload_id = $1, offset_bytes = part.start_bytes + s.offset_bytes
from unnest($2::uuid[], $3::bigint[]) as part (upload_id, start_bytes)
where s.upload_id = part.upload_id;

-- name: terminate_upload
update uploads set state = 'terminated', closed_at = now() where id = $1 and state = 'open' returning id;

-- name: expire_uploads
-- Two sweeps at once share the work instead of waiting for each other.
update uploads u
set state = 'expired', closed_at = now()
from (
    select id
    from uploads
    where expires_at <= $1 and swept_at is null
        and (state = 'open' or (state = 'complete' and partial))
    order by expires_at, id
    limit $2
    for update skip locked
) abandoned
where u.id = abandoned.id
returning u.id;

-- name: reject_abandoned
-- Unless another upload of the same video is still good.
update videos v
set status = 'rejected', rejection_code = $2, rejection_detail = $3, updated_at = now()
where v.status = 'waiting'
    and v.id in (select u.video_id from uploads u where u.id = any($1::uuid[]))
    and not exists (select from uploads u where u.video_id = v.id and u.state in ('open', 'complete'))
returning v.id;

-- name: find_uploads
select
    u.id, u.user_id, u.video_id, u.length_bytes, u.content_type, u.filename, u.sha256, u.partial,
    u.created_at, u.expires_at, u.state, u.offset_bytes, coalesce(v.priority, 'normal') as priority,
    null::jsonb as segments
from uploads u
left join videos v on v.id = u.video_id
where u.id = any($1::uuid[])
order by u.expires_at, u.id
limit $2;

-- name: uploads_to_sweep
-- Closed ones; and complete ones past their time whose bytes nobody needs: promoted, rejected, or without
-- a video.
-- A partial upload waits for the one it became part of, whose bytes lie under its name.
select
    u.id, u.user_id, u.video_id, u.length_bytes, u.content_type, u.filename, u.sha256, u.partial,
    u.created_at, u.expires_at, u.state, u.offset_bytes, coalesce(v.priority, 'normal') as priority,
    (
        select jsonb_agg(jsonb_build_object('key', s.key, 'size_bytes', s.size_bytes) order by s.offset_bytes)
        from upload_segments s
        where s.upload_id = u.id
    ) as segments
from uploads u
left join videos v on v.id = u.video_id
left join originals o on o.video_id = u.video_id
left join uploads whole on whole.id = u.used_in
where u.swept_at is null
    and (
        (u.closed_at is not null and (u.used_in is null or whole.swept_at is not null))
        or (
            u.state = 'complete' and not u.partial and u.expires_at <= $1
            and (v.id is null or v.status = 'rejected' or o.video_id is not null)
        )
    )
order by u.expires_at, u.id
limit $2;

-- name: sweep_uploads
with empty as (
    update uploads set swept_at = coalesce(swept_at, now())
    where id = any($1::uuid[]) and state <> 'open'
    returning id
)
delete from upload_segments where upload_id in (select id from empty);
