-- The pictures of a video: posters, preview, storyboard and frames, as the thumbnailer said them.
create table illustrations (
    video_id uuid primary key references videos on delete cascade,
    pictures jsonb not null check (jsonb_typeof(pictures) = 'object'),
    illustrated_at timestamptz not null default now()
);
