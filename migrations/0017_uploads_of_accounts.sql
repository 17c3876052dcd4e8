-- no transaction
-- For those who leave or want to know what is kept of them, and for rows that nobody needs any more: neither may read the whole table.
drop index if exists uploads_of_user;
create index concurrently uploads_of_user on uploads (user_id, id);
drop index if exists uploads_swept;
create index concurrently uploads_swept on uploads (swept_at) where swept_at is not null;
