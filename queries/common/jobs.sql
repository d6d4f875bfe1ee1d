-- name: InsertJob :one
-- scope: tenant
INSERT INTO jobs (tenant, id, agent_id, user_id, channel_id, message_id, content, metadata, status, result, error, callback_url, callback_secret, callback_attempts, callback_due_at, callback_error, created_at, expires_at, ended_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(user_id), sqlc.arg(channel_id), sqlc.arg(message_id), sqlc.arg(content), sqlc.arg(metadata), 'processing', NULL, '', sqlc.arg(callback_url), sqlc.arg(callback_secret), 0, NULL, '', sqlc.arg(created_at), sqlc.arg(expires_at), NULL)
RETURNING *;

-- name: GetJob :one
-- scope: viewer
SELECT * FROM jobs WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer));

-- name: ListJobs :many
-- scope: viewer
-- Newest first.
SELECT * FROM jobs
WHERE tenant = sqlc.arg(tenant) AND created_at <= sqlc.arg(until)
  AND CAST(sqlc.arg(everyone) AS boolean)
ORDER BY created_at DESC, id
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: ListJobsOfStatus :many
-- scope: viewer
SELECT * FROM jobs
WHERE tenant = sqlc.arg(tenant) AND status = sqlc.arg(status) AND created_at <= sqlc.arg(until)
  AND CAST(sqlc.arg(everyone) AS boolean)
ORDER BY created_at DESC, id
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: ListUserJobs :many
-- scope: viewer
-- An empty status means any.
SELECT * FROM jobs
WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(user_id) AND created_at <= sqlc.arg(until)
  AND (CAST(sqlc.arg(status) AS text) = '' OR status = sqlc.arg(status))
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer))
ORDER BY created_at DESC, id
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: EndJob :one
-- scope: tenant
-- Ends the job of a message with the turn of its agent. Finds no row when there is none, or when it has ended.
UPDATE jobs
SET status = sqlc.arg(status), result = sqlc.arg(result), error = sqlc.arg(error), ended_at = sqlc.arg(now), callback_due_at = CASE WHEN callback_url IS NULL THEN NULL ELSE sqlc.arg(now) END
WHERE tenant = sqlc.arg(tenant) AND message_id = sqlc.arg(message_id) AND agent_id = sqlc.arg(agent_id) AND ended_at IS NULL AND expires_at > sqlc.arg(now)
RETURNING *;

-- name: ShiftJobs :exec
-- scope: system
-- Moves the times of running jobs, after the clock jumped.
UPDATE jobs SET created_at = created_at + CAST(sqlc.arg(by) AS bigint), expires_at = expires_at + CAST(sqlc.arg(by) AS bigint)
WHERE tenant = sqlc.arg(tenant) AND ended_at IS NULL;

-- name: NextJobExpiry :one
-- scope: system
-- No row when no job is running.
SELECT expires_at FROM jobs WHERE tenant = sqlc.arg(tenant) AND ended_at IS NULL ORDER BY expires_at LIMIT 1;

-- name: SettleCallback :execrows
-- scope: system
-- Notes the result of an attempt: a NULL due time settles it for good.
UPDATE jobs SET callback_due_at = sqlc.arg(due_at), callback_error = sqlc.arg(callback_error)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND callback_attempts = sqlc.arg(attempt) AND callback_due_at IS NOT NULL;

-- name: NextCallback :one
-- scope: system
SELECT callback_due_at FROM jobs WHERE tenant = sqlc.arg(tenant) AND callback_due_at IS NOT NULL ORDER BY callback_due_at LIMIT 1;
