-- name: create_video
-- Then come the limits of the owner's day, and what its upload reserves; what is beyond them is undone by
-- `count_upload`.
with kept as (
    insert into videos (
        id, user_id, title, description, title_words, description_words, visibility,
        lat, lng, location_source, placed_by_owner, recorded_at, priority, created_at, updated_at
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $8::double precision is not null, $11, $12, $13, $13)
    on conflict (id) do nothing
    returning user_id, created_at
)
insert into uploads (
    id, user_id, video_id, length_bytes, content_type, filename, sha256, partial, created_at, expires_at,
    reserved_bytes
)
select
    $14::uuid, $15::uuid, $16::uuid, $17::bigint, $18, $19, $20, $21::boolean, $22::timestamptz,
    $23::timestamptz, $26::bigint
from kept
where count_upload(kept.user_id, kept.created_at, 1, coalesce($17::bigint, $26), $24::integer, $25::bigint)
on conflict (id) do nothing;

-- name: find_video
-- Without a viewer ($2) anybody's: so actors see it.
select
    v.id, v.user_id, v.title, v.description, v.visibility, v.lat, v.lng, v.location_source,
    v.recorded_at, v.priority, v.status, v.rejection_code, v.rejection_detail, v.created_at, v.updated_at,
    p.metadata, i.pictures, o.key as original_key, o.size_bytes as original_size_bytes,
    o.sha256 as original_sha256, o.content_type as original_content_type, o.duplicate_of,
    k.version, k.hls_key, k.dash_key,
    (
        select jsonb_agg(jsonb_build_object(
            'name', s.name, 'state', s.state, 'attempt', s.attempt, 'error', s.error
        ))
        from stages s
        where s.video_id = v.id
    ) as stages,
    (
        select jsonb_agg(
            jsonb_build_object('stage', w.stage, 'code', w.code, 'detail', w.detail) order by w.stage, w.code
        )
        from warnings w
        where w.video_id = v.id
    ) as warnings
from videos v
left join probes p on p.video_id = v.id
left join illustrations i on i.video_id = v.id
left join originals o on o.video_id = v.id
left join lateral (
    select version, hls_key, dash_key from packages where video_id = v.id order by version desc limit 1
) k on true
where v.id = $1 and ($2::uuid is null or v.user_id = $2 or v.visibility <> 'private')
limit 1;

-- name: page_videos
-- Each absent filter is null; the planner sees the values (see the pool), so an absent one costs nothing.
-- The page is cut out first: what is joined to it is read for its videos only. From the view of what whoever asks
-- may see, behind which the index of words can still be used.
with paged as (
    select
        id, user_id, title, description, visibility, lat, lng, location_source,
        recorded_at, priority, status, rejection_code, rejection_detail, created_at, updated_at
    from seen_videos
    where (visibility = 'public' or user_id = $1)
        and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
        and ($4::uuid is null or user_id = $4)
        and ($5::text is null or status = $5)
        and ($6::text[] is null or (title_words || description_words) @> $6)
        and ($7::double precision is null or lat between $7 and $8::double precision)
        and (
            $9::double precision is null
            or lng between $9 and $10::double precision
            or lng between $11::double precision and $12::double precision
        )
    order by created_at desc, id desc
    limit $13
)
select
    v.id, v.user_id, v.title, v.description, v.visibility, v.lat, v.lng, v.location_source,
    v.recorded_at, v.priority, v.status, v.rejection_code, v.rejection_detail, v.created_at, v.updated_at,
    p.metadata, i.pictures, o.key as original_key, o.size_bytes as original_size_bytes,
    o.sha256 as original_sha256, o.content_type as original_content_type, o.duplicate_of,
    k.version, k.hls_key, k.dash_key,
    (
        select jsonb_agg(jsonb_build_object(
            'name', s.name, 'state', s.state, 'attempt', s.attempt, 'error', s.error
        ))
        from stages s
        where s.video_id = v.id
    ) as stages,
    (
        select jsonb_agg(
            jsonb_build_object('stage', w.stage, 'code', w.code, 'detail', w.detail) order by w.stage, w.code
        )
        from warnings w
        where w.video_id = v.id
    ) as warnings
from paged v
left join probes p on p.video_id = v.id
left join illustrations i on i.video_id = v.id
left join originals o on o.video_id = v.id
left join lateral (
    select version, hls_key, dash_key from packages where video_id = v.id order by version desc limit 1
) k on true
order by v.created_at desc, v.id desc
limit $13;

-- name: edit_video
update videos
set title = case when $3 then $4 else title end,
    title_words = case when $3 then $5 else title_words end,
    description = case when $6 then $7 else description end,
    description_words = case when $6 then $8 else description_words end,
    visibility = case when $9 then $10 else visibility end,
    lat = case when $11 then $12 else lat end,
    lng = case when $11 then $13 else lng end,
    location_source = case when $11 then $14 else location_source end,
    placed_by_owner = placed_by_owner or $11,
    updated_at = now()
where id = $1 and user_id = $2
returning id;

-- name: remove_video
-- The uploads first, as the expirer locks them, so that the two cannot wait for each other in a circle.
-- They lose their video here: whoever sweeps closed uploads empties their staging.
with mine as (
    select id from videos where id = $1 and user_id = $2 limit 1
),
closed as (
    update uploads
    set state = case when state in ('open', 'complete') then 'terminated' else state end,
        closed_at = coalesce(closed_at, now()),
        video_id = null
    where video_id in (select id from mine)
    returning id
),
gone as (
    delete from videos
    where id in (select id from mine) and (select count(*) from closed) >= 0
    returning id
),
promised as (
    insert into outbox (subject, headers, body)
    select $3, $4::jsonb, $5::bytea from gone
    returning id
)
select count(*) > 0 as removed from promised limit 1;

-- name: reopen_video
with mine as (
    select id, status from videos where id = $1 and user_id = $2 limit 1 for update
),
reopened as (
    update stages
    set state = 'pending', attempt = 0, error = null, updated_at = now()
    where video_id in (select id from mine where status <> 'rejected') and state = 'failed'
    returning name
),
touched as (
    update videos
    set status = case
            when exists (select from packages where video_id = videos.id) then 'playable' else 'processing'
        end,
        updated_at = now()
    where id in (select id from mine) and (select count(*) from reopened) > 0
)
select array(select name from reopened) as names from mine limit 1;

-- name: lock_content
-- Two copies of one clip that arrive together take turns, so that the second sees the first.
select user_id, pg_advisory_xact_lock(hashtextextended(user_id::text || $2::text, 0))
from videos
where id = $1
limit 1
for update;

-- name: record_original
with same as (
    select v.id
    from originals o
    join videos v on v.id = o.video_id
    where o.user_id = $2 and o.sha256 = $5 and o.video_id <> $1
    order by v.created_at, v.id
    limit 1
),
kept as (
    insert into originals (video_id, user_id, key, size_bytes, sha256, content_type, duplicate_of)
    values ($1, $2, $3, $4, $5, $6, (select id from same))
    on conflict (video_id) do nothing
    returning key, size_bytes, sha256, content_type, duplicate_of
),
touched as (
    update videos
    set status = case when status in ('waiting', 'failed') then 'processing' else status end,
        updated_at = now()
    where id = $1 and exists (select from kept)
)
select key, size_bytes, sha256, content_type, duplicate_of from kept
union all
select key, size_bytes, sha256, content_type, duplicate_of from originals where video_id = $1
limit 1;

-- name: record_probe
with touched as (
    update videos
    set lat = case when placed_by_owner then lat else coalesce($3, lat) end,
        lng = case when placed_by_owner then lng else coalesce($4, lng) end,
        location_source = case
            when placed_by_owner then location_source else coalesce($5, location_source)
        end,
        recorded_at = coalesce(recorded_at, $6),
        updated_at = now()
    where id = $1
    returning id
)
insert into probes (video_id, metadata)
select id, $2 from touched
on conflict (video_id) do update set metadata = excluded.metadata, probed_at = now()
returning video_id;

-- name: record_illustration
with touched as (
    update videos set updated_at = now() where id = $1 returning id
)
insert into illustrations (video_id, pictures)
select id, $2 from touched
on conflict (video_id) do update set pictures = excluded.pictures, illustrated_at = now()
returning video_id;

-- name: reject_video
-- The first rejection stands. A stage outside the journey ($2 is null) leaves no row.
with known as (
    select id, status from videos where id = $1 limit 1 for update
),
touched as (
    update videos
    set status = 'rejected', rejection_code = $3, rejection_detail = $4, updated_at = now()
    where id in (select id from known where status <> 'rejected')
    returning id
),
failed as (
    insert into stages (video_id, name, state, attempt, error)
    select id, $2, 'failed', 0, $3 || ': ' || $4 from touched where $2::text is not null
    on conflict (video_id, name) do update set state = 'failed', error = excluded.error, updated_at = now()
)
select id from known limit 1;

-- name: finish_video
with known as (
    select id, status from videos where id = $1 limit 1 for update
),
touched as (
    update videos
    set status = 'ready', updated_at = now()
    where id in (select id from known where status not in ('rejected', 'ready'))
)
select id from known limit 1;
