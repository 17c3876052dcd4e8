-- name: lock_rendered
-- Writers about one video take turns. A statement of its own: what follows must see what they left.
select id from videos where id = $1 limit 1 for update;

-- name: keep_plan
insert into encoding_plans (video_id, pass, plan)
values ($1, $2, $3)
on conflict (video_id, pass) do nothing;

-- name: find_plan
select plan from encoding_plans where video_id = $1 and pass = $2 limit 1;

-- name: keep_chunk
-- Of a chunk that is there already nothing is kept, but what would be is checked first: it may not be negative.
insert into encoded_chunks (video_id, pass, chunk, tracks, missing)
select $1, $2, $3, $4, greatest($5::integer - 1 - count(*), 0)
from encoded_chunks
where video_id = $1 and pass = $2
on conflict (video_id, pass, chunk) do nothing;

-- name: find_missing
select video_id, missing from encoded_chunks where video_id = $1 and pass = $2 and chunk = $3 limit 1;

-- name: recorded_chunks
-- No video is long enough for the limit: it would last eighteen days.
select video_id, chunk, jsonb_array_length(tracks) > 0 as has_tracks
from encoded_chunks
where video_id = $1 and pass = $2
order by chunk
limit 100000;

-- name: forget_chunks
delete from encoded_chunks where video_id = $1 and pass = $2 and chunk = any($3::integer[]) returning chunk;

-- name: count_missing_again
-- In the order in which they came: again the last of all there are, and no other, will find none missing.
update encoded_chunks c
set missing = $3::integer - p.place
from (
    select chunk, row_number() over (order by missing desc) as place
    from encoded_chunks
    where video_id = $1 and pass = $2
) p
where c.video_id = $1 and c.pass = $2 and c.chunk = p.chunk;

-- name: forget_announcements
-- The package with which the end of a pass is told lacks what is made again, and so do those of the next.
update encoding_plans
set package_version = null, forgotten = forgotten + (pass = $2)::integer
where video_id = $1 and pass >= $2;

-- name: count_forgotten
select video_id, forgotten from encoding_plans where video_id = $1 and pass = $2 limit 1;

-- name: find_chunks
select chunk, tracks from encoded_chunks where video_id = $1 and pass = $2 order by chunk limit 100000;

-- name: record_rendition
with touched as (
    update videos set updated_at = now() where id = $1 returning id
)
insert into renditions (video_id, name, body)
select id, $2, $3 from touched
on conflict (video_id, name) do update set body = excluded.body, finished_at = now()
returning video_id;

-- name: find_renditions
select body from renditions where video_id = $1 order by name limit 100;

-- name: find_package
select version, hls_key, dash_key from packages where video_id = $1 order by version desc limit 1;

-- name: keep_package
with kept as (
    insert into packages (video_id, version, hls_key, dash_key)
    values ($1, $2, $3, $4)
    on conflict (video_id, version) do nothing
    returning video_id
)
update videos set updated_at = now() where id in (select video_id from kept);

-- name: announce_package
update encoding_plans
set package_version = coalesce(package_version, $3)
where video_id = $1 and pass = $2
returning video_id, package_version;

-- name: package_of_version
select version, hls_key, dash_key from packages where video_id = $1 and version = $2 limit 1;

-- name: record_warnings
with known as (
    select id from videos where id = $1 limit 1 for update
),
kept as (
    insert into warnings (video_id, stage, code, detail)
    select id, w.stage, w.code, w.detail
    from known, jsonb_to_recordset($2::jsonb) as w (stage text, code text, detail text)
    on conflict (video_id, stage, code) do nothing
    returning video_id
),
touched as (
    update videos set updated_at = now() where id in (select video_id from kept)
)
select id from known limit 1;

-- name: withdraw_warning
with known as (
    select id from videos where id = $1 limit 1 for update
),
gone as (
    delete from warnings where video_id in (select id from known) and stage = $2 and code = $3
    returning video_id
),
touched as (
    update videos set updated_at = now() where id in (select video_id from gone)
)
select id from known limit 1;

-- name: record_playable
with known as (
    select id, status from videos where id = $1 limit 1 for update
),
touched as (
    update videos
    set status = 'playable', updated_at = now()
    where id in (select id from known where status not in ('playable', 'ready', 'rejected', 'failed'))
)
select id from known limit 1;
