-- What each account has announced to upload on each day (UTC), for its quota.
create table upload_days (
    user_id uuid not null references users on delete cascade,
    day date not null,
    uploads integer not null check (uploads >= 0),
    size_bytes bigint not null check (size_bytes >= 0),
    primary key (user_id, day)
);

create index upload_days_oldest on upload_days (day);

-- What an upload was counted for before its length was known. Without that, the day of whoever declares no length
-- would hold as many bytes as they like in staging.
alter table uploads add column reserved_bytes bigint not null default 0 check (reserved_bytes >= 0);

-- Counts inside the statement that keeps an upload, and raises what undoes that statement: one round trip, and
-- nobody who announces at the same time gets past the limit, because they wait for the row. A limit that is null
-- is none. The account is locked first, as its closing locks it: nothing begins in an account that is closed.
-- Bytes below zero are given back, which nothing forbids; the day may be forgotten by then.
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
    if added_bytes < 0 then
        update upload_days set size_bytes = greatest(0, size_bytes + added_bytes)
        where user_id = of_user and day = (announced_at at time zone 'UTC')::date;
        return true;
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
