-- Somebody who registers has no account yet, and may repeat the request all the same.
alter table idempotency_keys drop constraint idempotency_keys_user_id_fkey;
