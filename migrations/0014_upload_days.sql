-- What each account has announced to upload on each day (UTC), for its quota.
create table upload_days (
    user_id uuid not null references users on delete cascade,
    day date not null,
    uploads integer not null check (uploads >= 0),
    size_bytes bigint not null check (size_bytes >= 0),
    primary key (user_id, day)
);

create index upload_days_oldest on upload_days (day);
