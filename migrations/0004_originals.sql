-- The stored original of a video, written once by the uploader.
create table originals (
    video_id uuid primary key references videos on delete cascade,
    user_id uuid not null references users,
    key text not null check (length(key) between 1 and 1000),
    size_bytes bigint not null check (size_bytes >= 0),
    sha256 text not null check (length(sha256) between 1 and 64),
    content_type text not null check (length(content_type) <= 255),
    duplicate_of uuid references videos on delete set null,
    stored_at timestamptz not null default now()
);

create index originals_same_content on originals (user_id, sha256);
-- Serves `on delete set null`, which would otherwise read the whole table.
create index originals_duplicates on originals (duplicate_of) where duplicate_of is not null;
