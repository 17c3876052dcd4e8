-- Accounts. E-mail and name are sealed under a key of their own row, which is wrapped by a key that the database
-- never sees; an account is found by a keyed hash of its e-mail. The local account has neither.
alter table users
    drop column name,
    add column role text not null default 'creator' check (role in ('viewer', 'creator', 'moderator', 'admin')),
    add column data_key bytea check (octet_length(data_key) <= 200),
    add column email_hash bytea check (octet_length(email_hash) = 32),
    add column email_sealed bytea check (octet_length(email_sealed) <= 2000),
    add column name_sealed bytea check (octet_length(name_sealed) <= 2000),
    add column password_hash text check (length(password_hash) between 1 and 300),
    add column updated_at timestamptz not null default now(),
    -- Once set, nothing personal is left in the row; it stays until what belongs to it has been removed.
    add column closed_at timestamptz,
    -- An e-mail can be found or it is not there; nothing is sealed without a key, and no key seals nothing.
    add check ((email_hash is null) = (email_sealed is null)),
    add check ((data_key is null) = (email_sealed is null and name_sealed is null));

create unique index users_by_email on users (email_hash) where email_hash is not null;
-- What a master key sealed, by the name in front: so a rotation of keys finds what is left for it to do.
create index users_by_master_key on users (substring(data_key from 1 for 8), id) where data_key is not null;
create index users_closed on users (closed_at, id) where closed_at is not null;

-- Whether somebody else has an e-mail, under whatever key it is hashed. With the owner's rights: whoever changes
-- theirs may not see the accounts of others, but has to be told this much.
create function email_is_taken(hashes bytea[], asker uuid) returns boolean language sql stable security definer
return exists (select from users where email_hash = any(hashes) and id <> asker);
