-- What is encoded of a video, and what can be played. Plans, chunks and renditions are kept as they were
-- said: nothing in them is queried.
create table encoding_plans (
    video_id uuid not null references videos on delete cascade,
    pass integer not null check (pass >= 0),
    plan jsonb not null check (jsonb_typeof(plan) = 'object'),
    planned_at timestamptz not null default now(),
    -- Of the package with which the end of the pass is told: so it is told alike on every delivery.
    package_version integer check (package_version >= 1),
    -- How often chunks of it were forgotten, to be made again: that has to come to an end.
    forgotten integer not null default 0 check (forgotten >= 0),
    primary key (video_id, pass)
);

-- One row per chunk that is encoded. How many of its pass were missing with it stays: so the one that was added
-- last, and no other, says on every delivery that the pass is complete.
create table encoded_chunks (
    video_id uuid not null,
    pass integer not null,
    chunk integer not null check (chunk >= 0),
    tracks jsonb not null check (jsonb_typeof(tracks) = 'array'),
    missing integer not null check (missing >= 0),
    encoded_at timestamptz not null default now(),
    primary key (video_id, pass, chunk),
    foreign key (video_id, pass) references encoding_plans on delete cascade
);

create table renditions (
    video_id uuid not null references videos on delete cascade,
    name text not null check (length(name) between 1 and 100),
    body jsonb not null check (jsonb_typeof(body) = 'object'),
    finished_at timestamptz not null default now(),
    primary key (video_id, name)
);

-- Playlists that were written. Their keys tell the content; one that comes back, as when captions are taken away
-- again, is a version once more. Players are given the newest.
create table packages (
    video_id uuid not null references videos on delete cascade,
    version integer not null check (version >= 1),
    hls_key text not null,
    dash_key text,
    packaged_at timestamptz not null default now(),
    primary key (video_id, version)
);

-- What is wrong with a video that plays all the same. The first word on each stands.
create table warnings (
    video_id uuid not null references videos on delete cascade,
    stage text not null check (length(stage) between 1 and 100),
    code text not null check (length(code) between 1 and 100),
    detail text not null,
    warned_at timestamptz not null default now(),
    primary key (video_id, stage, code)
);

-- Actors write; whoever sees the video sees what is made of it.
do $$
declare
    guarded text;
begin
    foreach guarded in array array['encoding_plans', 'encoded_chunks', 'renditions', 'packages', 'warnings'] loop
        execute format('alter table %I enable row level security', guarded);
        execute format('grant select, insert, update, delete on %I to truthtok_actor', guarded);
        execute format('create policy works_for_all on %I to truthtok_actor using (true)', guarded);
        execute format('grant select on %I to truthtok_gateway', guarded);
        execute format(
            'create policy seen on %I for select to truthtok_gateway'
            ' using (exists (select from videos v where v.id = video_id))',
            guarded
        );
    end loop;
end
$$;
