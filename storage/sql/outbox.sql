-- name: promise
insert into outbox (subject, headers, body) values ($1, $2, $3);

-- name: pending_lines
select id, subject, headers, body from outbox where id > $1 order by id limit $2;

-- name: cross_out
delete from outbox where id = any($1::bigint[]);
