-- Where each stage of a video stands. No row means pending: a new stage needs no migration.
create table stages (
    video_id uuid not null references videos on delete cascade,
    name text not null check (length(name) between 1 and 100),
    state text not null check (state in ('pending', 'running', 'done', 'skipped', 'failed')),
    attempt integer not null check (attempt >= 0),
    error text,
    updated_at timestamptz not null default now(),
    primary key (video_id, name)
);
