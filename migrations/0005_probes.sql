-- What the prober learned. Nothing in it is queried, so it is kept as the message said it.
create table probes (
    video_id uuid primary key references videos on delete cascade,
    metadata jsonb not null check (jsonb_typeof(metadata) = 'object'),
    probed_at timestamptz not null default now()
);
