-- Messages promised in the transaction that made them true; a relay says them and crosses them out.
create table outbox (
    id bigint generated always as identity primary key,
    subject text not null check (length(subject) between 1 and 500),
    headers jsonb not null check (jsonb_typeof(headers) = 'object'),
    body bytea not null,
    promised_at timestamptz not null default now()
);
