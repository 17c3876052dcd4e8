-- name: claim_key
-- Takes a free key, one whose answer is a day old, or one whose claim lapsed ($5 seconds) without an answer.
-- Each claim also forgets a few keys nobody asks for any more (the trigger `forget_old_keys`).
insert into idempotency_keys as kept (user_id, key, fingerprint, resource_id)
values ($1, $2, $3, $4)
on conflict (user_id, key) do update
set claimed_at = now(),
    fingerprint = excluded.fingerprint,
    resource_id = case
        when kept.claimed_at < now() - interval '24 hours' then excluded.resource_id else kept.resource_id
    end,
    status = null,
    headers = null,
    body = null
where kept.claimed_at < now() - interval '24 hours'
    or (
        kept.status is null and kept.fingerprint = excluded.fingerprint
        and kept.claimed_at <= now() - make_interval(secs => $5)
    )
returning resource_id;

-- name: find_key
select fingerprint, resource_id, status, headers, body
from idempotency_keys
where user_id = $1 and key = $2
limit 1;

-- name: answer_key
-- The first answer stands. The day it is kept for begins now.
update idempotency_keys
set status = $3, headers = $4, body = $5, claimed_at = now()
where user_id = $1 and key = $2 and status is null;

-- name: release_key
delete from idempotency_keys where user_id = $1 and key = $2 and status is null;
