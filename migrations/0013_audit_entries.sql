-- Who did what to what, from where. Append-only: not even the owner of the table changes a line.
-- Without foreign keys: a line outlives the account and the thing it tells of.
create table audit_entries (
    id uuid primary key,
    at timestamptz not null,
    actor_id uuid,
    action text not null check (length(action) between 1 and 100),
    target text check (length(target) <= 200),
    address text check (length(address) <= 100),
    request_id text check (length(request_id) <= 200),
    details jsonb not null default '{}' check (jsonb_typeof(details) = 'object')
);

create index audit_entries_of_actor on audit_entries (actor_id, id desc) where actor_id is not null;
create index audit_entries_of_target on audit_entries (target, id desc) where target is not null;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

create trigger audit_entries_stay before update or delete on audit_entries
for each row execute function refuse_change();
create trigger audit_entries_are_not_emptied before truncate on audit_entries
for each statement execute function refuse_change();
