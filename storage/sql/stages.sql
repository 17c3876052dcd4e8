-- name: settle_stage
-- The video's row is locked first, as everywhere. The stage that rejected a video stays failed.
with known as (
    select id, status from videos where id = $1 limit 1 for update
),
settled as (
    insert into stages (video_id, name, state, attempt, error)
    select id, $2, $3::text, $4::integer, $5 from known
    on conflict (video_id, name) do update
    set state = excluded.state, attempt = excluded.attempt, error = excluded.error, updated_at = now()
    where not (stages.state = 'failed' and (select status from known) = 'rejected')
    returning video_id
)
update videos
set status = case when $3 = 'failed' and status <> 'rejected' then 'failed' else status end,
    updated_at = now()
where id in (select video_id from settled);
