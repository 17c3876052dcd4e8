-- tus uploads. A row outlives its video: as long as `swept_at` is null, somebody must still empty its staging.
create table uploads (
    id uuid primary key,
    user_id uuid not null references users,
    video_id uuid references videos on delete set null,
    length_bytes bigint check (length_bytes >= 0),
    offset_bytes bigint not null default 0 check (offset_bytes >= 0),
    content_type text not null check (length(content_type) <= 255),
    filename text check (length(filename) <= 1000),
    sha256 text check (length(sha256) <= 64),
    partial boolean not null,
    state text not null default 'open' check (state in ('open', 'complete', 'expired', 'terminated')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    closed_at timestamptz,
    swept_at timestamptz,
    -- The upload a partial one became part of: its staging holds the other's bytes until that one is swept.
    used_in uuid references uploads on delete set null,
    check (offset_bytes <= length_bytes),
    check (state <> 'complete' or offset_bytes = length_bytes),
    check (state in ('open', 'complete') or closed_at is not null)
);

create index uploads_of_video on uploads (video_id) where video_id is not null;
-- The sweep's only: a swept upload leaves the index, so it stays as small as the work under way.
create index uploads_unswept on uploads (expires_at, id) where swept_at is null;
create index uploads_parts on uploads (used_in) where used_in is not null;

create table upload_segments (
    upload_id uuid not null references uploads on delete cascade,
    offset_bytes bigint not null check (offset_bytes >= 0),
    key text not null check (length(key) between 1 and 1000),
    size_bytes bigint not null check (size_bytes > 0),
    primary key (upload_id, offset_bytes)
);
