-- name: ListSealedJobs :many
-- scope: system
SELECT id, callback_secret FROM jobs WHERE tenant = sqlc.arg(tenant) AND id > sqlc.arg(after) ORDER BY id LIMIT sqlc.arg(page_size)::bigint;
