-- name: find_freedom
-- What lets the connected user past row-level security, the worst first; null when nothing does. Also what it would
-- have to ask for first (`set role`): membership of whatever kind counts.
select
    current_user as name,
    case
        when to_regrole('truthtok_gateway') is null then 'unmigrated'
        when exists (
            select from pg_roles r
            where (r.rolsuper or r.rolbypassrls) and pg_has_role(r.oid, 'member')
        ) then 'bypasses'
        when exists (
            select from pg_class c
            where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v')
                and pg_has_role(c.relowner, 'member')
        ) then 'owns'
        when pg_has_role('truthtok_actor', 'member') then 'works_for_all'
        when not pg_has_role('truthtok_gateway', 'usage') then 'stranger'
    end as freedom
limit 1;
