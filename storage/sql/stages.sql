-- name: settle_stage
-- The video's row is locked first, as everywhere. The stage that rejected a video stays failed, and a late
-- failure undoes nothing that was done. $6 says whether the name is a stage of the journey, and so has a row.
with known as (
    select id, status from videos where id = $1 limit 1 for update
),
settled as (
    insert into stages (video_id, name, state, attempt, error)
    select id, $2, $3::text, $4::integer, $5 from known where $6::boolean
    on conflict (video_id, name) do update
    set state = excluded.state, attempt = excluded.attempt, error = excluded.error, updated_at = now()
    where not (stages.state = 'failed' and (select status from known) = 'rejected')
        and not (excluded.state = 'failed' and stages.state in ('done', 'skipped'))
    returning video_id
),
kept as (
    select video_id as id from settled
    union all
    select id from known where not $6::boolean and $3 = 'failed' and status not in ('ready', 'rejected')
)
update videos
set status = case when $3 = 'failed' and status <> 'rejected' then 'failed' else status end,
    updated_at = now()
where id in (select id from kept)
returning id;
