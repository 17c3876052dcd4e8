-- Whose videos they are. An installation without accounts has the one seeded here, LOCAL_USER_ID in the code.
create table users (
    id uuid primary key,
    name text not null check (length(name) between 1 and 200),
    created_at timestamptz not null default now()
);

insert into users (id, name) values ('01990000-0000-7000-8000-000000000001', 'local');
