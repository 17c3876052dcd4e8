-- The second wall. The first are the filters of our queries (`user_id = $2`); here the server itself holds each
-- statement of the gateway to whoever asks (`storage/asking.py`), whatever the query says or forgets to say.
--
-- truthtok_gateway  the API and the media plane: the policies below apply
-- truthtok_actor    the actors: they work for everybody, but own nothing and cannot change the schema
--
-- The owner of the tables is held to no policy (`force row level security` is off): that is who migrates. A
-- process that serves clients and connects as the owner is not ready, see `storage/postgres/confinement.py`.

do $$
declare
    wanted text;
begin
    foreach wanted in array array['truthtok_gateway', 'truthtok_actor'] loop
        begin
            -- Roles belong to the whole cluster, so another of its databases may have made them already.
            if to_regrole(wanted) is null then
                execute format('create role %I nologin', wanted);
            end if;
        exception
            when duplicate_object or unique_violation then  -- or does so at this moment
                null;
            when insufficient_privilege then
                raise insufficient_privilege using
                    message = format('the role %s is missing, and %s may not create roles', wanted, current_user),
                    hint = 'As an administrator of the cluster run: create role truthtok_gateway nologin; '
                        'create role truthtok_actor nologin; then run `truthtok migrate` again.';
        end;
    end loop;
    execute format('grant usage on schema %I to truthtok_gateway, truthtok_actor', current_schema());
end
$$;

-- Who asks. Null when nobody said so, which no policy takes for anybody. Policies ask within `(select …)`: that
-- makes it one question for each statement instead of one for each row.
create function asking_user() returns uuid language sql stable parallel safe
return nullif(current_setting('truthtok.user_id', true), '')::uuid;

create function asking_role() returns text language sql stable parallel safe
return nullif(current_setting('truthtok.role', true), '');

create function asking_upload() returns uuid language sql stable parallel safe
return nullif(current_setting('truthtok.upload_id', true), '')::uuid;

-- Whether whoever is connected is held to no policy, as the tables' owner is, or works for everybody.
create function works_for_all() returns boolean language sql stable
return not row_security_active('videos'::regclass) or pg_has_role('truthtok_actor', 'usage');

-- Without policies, because neither table holds anything of anybody's: `schema_migrations` names files and is
-- only read. Lines of the outbox are not a user's but the relay's: it says them all, whoever promised them, and
-- each was written by a statement that passed the policies of what it tells of.
grant select on schema_migrations to truthtok_gateway, truthtok_actor;
grant select, insert, delete on outbox to truthtok_gateway, truthtok_actor;

do $$
declare
    guarded text;
begin
    foreach guarded in array array[
        'users', 'sessions', 'refresh_tokens', 'api_keys', 'audit_entries', 'upload_days', 'idempotency_keys',
        'videos', 'stages', 'originals', 'probes', 'illustrations', 'uploads', 'upload_segments'
    ] loop
        execute format('alter table %I enable row level security', guarded);
        execute format('grant select, insert, update, delete on %I to truthtok_actor', guarded);
        execute format('create policy works_for_all on %I to truthtok_actor using (true)', guarded);
    end loop;
end
$$;
revoke update, delete on audit_entries from truthtok_actor;

-- Videos: what is private is its owner's, and for moderators. Rows that go with a video go unasked: cascades run
-- with the rights of the tables' owner.
grant select, insert, update, delete on videos to truthtok_gateway;

create policy seen on videos for select to truthtok_gateway using (
    visibility <> 'private'
    or user_id = (select asking_user())
    or (select asking_role()) in ('moderator', 'admin')
);
create policy made on videos for insert to truthtok_gateway with check (user_id = (select asking_user()));
create policy changed on videos for update to truthtok_gateway using (
    user_id = (select asking_user()) or (select asking_role()) in ('moderator', 'admin')
);
create policy removed on videos for delete to truthtok_gateway using (
    user_id = (select asking_user()) or (select asking_role()) in ('moderator', 'admin')
);

-- The same rows as `seen`, for the search by words. Behind a policy the planner must not look into an index by an
-- operator that might leak what it is given, and only a superuser may declare that one does not (CREATE FUNCTION,
-- LEAKPROOF): the search would read every video, as `bench/row_level_security.py` measures. A view with its
-- owner's rights and the same condition leaves the planner free. What that gives up: a query that reads this view
-- and has a condition with side effects might run it on hidden rows. Ours have none.
-- Who is held to no policy sees all in it, as in the table.
create view seen_videos as
select
    id, user_id, title, description, title_words, description_words, visibility, lat, lng, location_source,
    placed_by_owner, recorded_at, priority, status, rejection_code, rejection_detail, created_at, updated_at
from videos
where visibility <> 'private'
    or user_id = (select asking_user())
    or (select asking_role()) in ('moderator', 'admin')
    or (select works_for_all());
grant select on seen_videos to truthtok_gateway, truthtok_actor;

-- What belongs to a video is seen with it; of that the gateway changes stages alone, when it opens them again.
grant select on stages, originals, probes, illustrations to truthtok_gateway;
grant update on stages to truthtok_gateway;

create policy seen on stages for select to truthtok_gateway
using (exists (select from videos v where v.id = video_id));
create policy seen on originals for select to truthtok_gateway
using (exists (select from videos v where v.id = video_id));
create policy seen on probes for select to truthtok_gateway
using (exists (select from videos v where v.id = video_id));
create policy seen on illustrations for select to truthtok_gateway
using (exists (select from videos v where v.id = video_id));
create policy changed on stages for update to truthtok_gateway using (
    exists (
        select from videos v
        where v.id = video_id
            and (v.user_id = (select asking_user()) or (select asking_role()) in ('moderator', 'admin'))
    )
);

-- Uploads: their owner's. A signed URL lets its holder see the one upload, to learn on whose behalf to go on.
-- Moderators close those of a video that they remove.
grant select, insert, update on uploads, upload_segments to truthtok_gateway;

create policy seen on uploads for select to truthtok_gateway using (
    user_id = (select asking_user())
    or id = (select asking_upload())
    or (select asking_role()) in ('moderator', 'admin')
);
create policy made on uploads for insert to truthtok_gateway with check (user_id = (select asking_user()));
create policy changed on uploads for update to truthtok_gateway using (
    user_id = (select asking_user()) or (select asking_role()) in ('moderator', 'admin')
);

-- Whatever lies in an upload becomes its video, so it belongs to the same account. After the row, because a video
-- and its upload begin in one statement, in which neither sees the other yet.
create function refuse_foreign_video() returns trigger language plpgsql as $$
begin
    if not exists (select from videos where id = new.video_id and user_id = new.user_id) then
        raise exception 'upload % is for a video of another account', new.id
            using errcode = 'insufficient_privilege';
    end if;
    return null;
end
$$;

create trigger uploads_are_for_own_videos after insert or update of video_id, user_id on uploads
for each row when (new.video_id is not null) execute function refuse_foreign_video();

create policy seen on upload_segments for select to truthtok_gateway
using (exists (select from uploads u where u.id = upload_id));
create policy made on upload_segments for insert to truthtok_gateway with check (
    exists (select from uploads u where u.id = upload_id and u.user_id = (select asking_user()))
);
create policy changed on upload_segments for update to truthtok_gateway using (
    exists (select from uploads u where u.id = upload_id and u.user_id = (select asking_user()))
);

-- Accounts: each one's own. Signing in looks for one by its e-mail; an administrator gives roles.
grant select, insert, update on users to truthtok_gateway;

create policy seen on users for select to truthtok_gateway
using (id = (select asking_user()) or (select asking_role()) in ('sign_in', 'admin'));
create policy made on users for insert to truthtok_gateway
with check ((select asking_role()) = 'sign_in' and role in ('viewer', 'creator'));
create policy changed on users for update to truthtok_gateway
using (id = (select asking_user()) or (select asking_role()) = 'admin');

-- A policy does not see the row as it was, so this is one: nobody gives themselves more than they have. Closing an
-- account takes everything, and anybody closes their own.
create function refuse_promotion() returns trigger language plpgsql as $$
begin
    if not works_for_all() and asking_role() is distinct from 'admin' then
        raise exception 'only an administrator makes somebody %', new.role
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create trigger users_stay_who_they_are before update on users for each row
when (new.role is distinct from old.role and new.role <> 'viewer')
execute function refuse_promotion();

-- Sign-ins and keys: each one's own. Signing in finds both, and rotates or ends a session; who has shown the
-- password opens one as the owner.
grant select, insert, update, delete on sessions, refresh_tokens, api_keys to truthtok_gateway;

create policy own on sessions to truthtok_gateway using (user_id = (select asking_user()));
create policy found on sessions for select to truthtok_gateway using ((select asking_role()) = 'sign_in');
create policy rotated on sessions for update to truthtok_gateway using ((select asking_role()) = 'sign_in');

create policy seen on refresh_tokens for select to truthtok_gateway
using (exists (select from sessions s where s.id = session_id));
create policy used on refresh_tokens for update to truthtok_gateway
using (exists (select from sessions s where s.id = session_id));
create policy forgotten on refresh_tokens for delete to truthtok_gateway
using (exists (select from sessions s where s.id = session_id));
create policy opened on refresh_tokens for insert to truthtok_gateway with check (true);

-- The condition of `own`, after the row: a session and its first token begin in one statement.
create function refuse_foreign_session() returns trigger language plpgsql as $$
begin
    if not exists (select from sessions where id = new.session_id) then
        raise exception 'a refresh token is for a session of another account'
            using errcode = 'insufficient_privilege';
    end if;
    return null;
end
$$;

create trigger refresh_tokens_are_for_own_sessions after insert on refresh_tokens
for each row execute function refuse_foreign_session();

create policy own on api_keys to truthtok_gateway using (user_id = (select asking_user()));
create policy found on api_keys for select to truthtok_gateway using ((select asking_role()) = 'sign_in');

-- What else counts or remembers for one account. Whoever has none shares the keys of NOBODY_ID.
grant select, insert, update, delete on upload_days, idempotency_keys to truthtok_gateway;

create policy own on upload_days to truthtok_gateway using (user_id = (select asking_user()));
create policy own on idempotency_keys to truthtok_gateway using (user_id = (select asking_user()));

-- Each claim of a key forgets a few that nobody asks for any more, whoever's they were: with the owner's rights,
-- so that no policy has to let one account see, or delete, what another one left. For this table's trigger alone:
-- who could hang it on a table of their own would choose what else runs with these rights.
create function forget_old_keys() returns trigger language plpgsql security definer as $$
begin
    if tg_relid <> 'idempotency_keys'::regclass then
        raise exception 'only idempotency_keys forgets' using errcode = 'insufficient_privilege';
    end if;
    with stale as (
        select user_id, key from idempotency_keys where claimed_at < now() - interval '48 hours'
        order by claimed_at limit 10 for update skip locked
    )
    delete from idempotency_keys kept using stale where (kept.user_id, kept.key) = (stale.user_id, stale.key);
    return null;
end
$$;

create trigger idempotency_keys_are_forgotten after insert on idempotency_keys
for each statement execute function forget_old_keys();

-- The audit trail: anybody's request adds lines, also of an attempt to sign in, which is nobody's yet. They are
-- read by administrators and auditors, and each account reads those of what it did itself.
grant select, insert on audit_entries to truthtok_gateway;

create policy told on audit_entries for insert to truthtok_gateway with check (true);
create policy seen on audit_entries for select to truthtok_gateway
using (actor_id = (select asking_user()) or (select asking_role()) in ('admin', 'auditor'));

-- Functions mean our tables, also where somebody has made a temporary one of the same name: unless it is told
-- otherwise, the server looks there first. Bodies in standard SQL were bound to ours when they were made; those
-- here are read when they run, or run with the owner's rights.
do $$
declare
    fixed text;
begin
    foreach fixed in array array[
        'email_is_taken(bytea[], uuid)', 'refuse_change()', 'works_for_all()', 'refuse_foreign_video()',
        'count_upload(uuid, timestamptz, integer, bigint, integer, bigint)', 'refuse_promotion()',
        'refuse_foreign_session()', 'forget_old_keys()'
    ] loop
        execute format('alter function %s set search_path = %I, pg_temp', fixed, current_schema());
    end loop;
end
$$;

-- The owner's rights are lent to nobody who does not need them. A trigger's function needs no grant to run.
revoke execute on function email_is_taken(bytea[], uuid), forget_old_keys() from public;
grant execute on function email_is_taken(bytea[], uuid) to truthtok_gateway, truthtok_actor;

-- Nobody who serves clients makes tables or functions, not even temporary ones. Where the database is not the
-- migrator's to say so, it stays as its administrator has it.
do $$
begin
    execute format('revoke temporary on database %I from public', current_database());
    execute format('revoke create on schema %I from public', current_schema());
exception
    when insufficient_privilege then
        raise notice 'an administrator should: revoke temporary on database % from public', current_database();
end
$$;
