-- What an owner said of a video, and where it stands. Length limits are a backstop: the gateway's are stricter.
-- A user with videos cannot be deleted: each video is removed first, so that its objects are erased as well.
create table videos (
    id uuid primary key,
    user_id uuid not null references users,
    title text not null check (length(title) <= 1000),
    description text check (length(description) <= 20000),
    -- Words for search, folded by the code: the same answer under every server locale, without an extension.
    title_words text[] not null,
    description_words text[] not null,
    visibility text not null check (visibility in ('public', 'unlisted', 'private')),
    lat double precision check (lat between -90 and 90),
    lng double precision check (lng between -180 and 180),
    location_source text check (location_source in ('user', 'container')),
    -- True once the owner spoke of the place, also to clear it: then no actor fills it in.
    placed_by_owner boolean not null,
    recorded_at timestamptz,
    priority text not null check (priority in ('high', 'normal', 'low')),
    status text not null default 'waiting'
        check (status in ('waiting', 'processing', 'playable', 'ready', 'rejected', 'failed')),
    rejection_code text check (length(rejection_code) between 1 and 100),
    rejection_detail text check (length(rejection_detail) <= 10000),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check (num_nonnulls(lat, lng, location_source) in (0, 3)),
    check (num_nonnulls(rejection_code, rejection_detail) in (0, 2)),
    check ((status = 'rejected') = (rejection_code is not null))
);

-- Keyset listings, newest first: of all, of one user, of one status.
create index videos_newest on videos (created_at desc, id desc);
create index videos_newest_of_user on videos (user_id, created_at desc, id desc);
create index videos_newest_of_status on videos (status, created_at desc, id desc);
create index videos_by_word on videos using gin ((title_words || description_words));
create index videos_by_place on videos (lat, lng) where lat is not null;
