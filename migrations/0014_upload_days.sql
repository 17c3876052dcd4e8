-- What each account has announced to upload on each day (UTC), for its quota.
create table upload_days (
    user_id uuid not null references users on delete cascade,
    day date not null,
    uploads integer not null check (uploads >= 0),
    size_bytes bigint not null check (size_bytes >= 0),
    primary key (user_id, day)
);

create index upload_days_oldest on upload_days (day);

-- Counts inside the statement that keeps an upload, and raises what undoes that statement: one round trip, and
-- nobody who announces at the same time gets past the limit, because they wait for the row. A limit that is null
-- is none. The account is locked first, as its closing locks it: nothing begins in an account that is closed.
create function count_upload(
    of_user uuid, announced_at timestamptz, added_uploads integer, added_bytes bigint,
    uploads_max integer, bytes_max bigint
) returns boolean language plpgsql as $$
declare
    account_closed_at timestamptz;
begin
    select closed_at into account_closed_at from users where id = of_user for share;
    if account_closed_at is not null then
        raise exception 'account % is closed', of_user
            using errcode = 'check_violation', constraint = 'upload_quota';
    end if;
    insert into upload_days as counted (user_id, day, uploads, size_bytes)
    select of_user, (announced_at at time zone 'UTC')::date, added_uploads, added_bytes
    where (uploads_max is null or added_uploads <= uploads_max)
        and (bytes_max is null or added_bytes <= bytes_max)
    on conflict (user_id, day) do update
    set uploads = counted.uploads + excluded.uploads, size_bytes = counted.size_bytes + excluded.size_bytes
    where (uploads_max is null or counted.uploads + excluded.uploads <= uploads_max)
        and (bytes_max is null or counted.size_bytes + excluded.size_bytes <= bytes_max);
    if not found then
        raise exception 'account % has announced as much as it may', of_user
            using errcode = 'check_violation', constraint = 'upload_quota';
    end if;
    return true;
end
$$;
