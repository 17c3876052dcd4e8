-- name: videos_of_closed
select v.id
from videos v
join users u on u.id = v.user_id
where v.user_id = $1 and u.closed_at is not null
order by v.created_at, v.id
limit $2;
