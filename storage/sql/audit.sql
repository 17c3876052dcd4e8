-- name: record_entries
-- The entries come as one document, so that any number of them is one statement. The conflict names no column:
-- then whoever adds a line need not be somebody who may read it.
insert into audit_entries (id, at, actor_id, action, target, address, request_id, details)
select id, at, actor_id, action, target, address, request_id, details
from jsonb_to_recordset($1::jsonb) as said (
    id uuid, at timestamptz, actor_id uuid, action text, target text, address text, request_id text,
    details jsonb
)
on conflict do nothing;

-- name: page_entries
-- Each absent filter is null; the planner sees the values (see the pool), so an absent one costs nothing.
select id, at, actor_id, action, target, address, request_id, details
from audit_entries
where ($1::uuid is null or actor_id = $1)
    and ($2::text is null or target = $2)
    and ($3::uuid is null or id < $3)
order by id desc
limit $4;
