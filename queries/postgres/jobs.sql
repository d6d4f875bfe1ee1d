-- name: InsertJob :one
INSERT INTO jobs (id, agent_id, user_id, channel_id, message_id, content, metadata, status, result, error, callback_url, callback_secret, callback_attempts, callback_due_at, callback_error, created_at, expires_at, ended_at)
VALUES (sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(user_id), sqlc.arg(channel_id), sqlc.arg(message_id), sqlc.arg(content), sqlc.arg(metadata), 'processing', NULL, '', sqlc.arg(callback_url), sqlc.arg(callback_secret), 0, NULL, '', sqlc.arg(created_at), sqlc.arg(expires_at), NULL)
RETURNING *;

-- name: GetJob :one
SELECT * FROM jobs WHERE id = sqlc.arg(id);

-- name: ListJobs :many
-- Newest first.
SELECT * FROM jobs
WHERE created_at <= sqlc.arg(until)
ORDER BY created_at DESC, id
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: ListJobsOfStatus :many
SELECT * FROM jobs
WHERE status = sqlc.arg(status) AND created_at <= sqlc.arg(until)
ORDER BY created_at DESC, id
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: ListUserJobs :many
-- An empty status means any.
SELECT * FROM jobs
WHERE user_id = sqlc.arg(user_id) AND created_at <= sqlc.arg(until)
  AND (sqlc.arg(status)::text = '' OR status = sqlc.arg(status))
ORDER BY created_at DESC, id
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: CountJobs :many
-- By status, with the time that those took which have ended.
SELECT CAST(CASE WHEN ended_at IS NULL AND expires_at <= sqlc.arg(now) THEN 'timeout' ELSE status END AS text) AS state,
       count(*) AS jobs,
       CAST(coalesce(sum(ended_at - created_at), 0) AS bigint) AS took_ms
FROM jobs
WHERE sqlc.arg(any_user)::boolean OR user_id = sqlc.arg(user_id)
GROUP BY 1;

-- name: CountActiveJobs :one
-- Counts no further than is asked for.
SELECT count(*) FROM (SELECT 1 FROM jobs WHERE ended_at IS NULL AND expires_at > 0 LIMIT sqlc.arg(at_most)::bigint) AS active;

-- name: EndJob :one
-- Ends the job of a message with the turn of its agent. Finds no row when there is none, or when it is over.
UPDATE jobs
SET status = sqlc.arg(status), result = sqlc.arg(result), error = sqlc.arg(error), ended_at = sqlc.arg(now), callback_due_at = CASE WHEN callback_url IS NULL THEN NULL ELSE sqlc.arg(now) END
WHERE message_id = sqlc.arg(message_id) AND agent_id = sqlc.arg(agent_id) AND ended_at IS NULL AND expires_at > sqlc.arg(now)
RETURNING *;

-- name: ExpireJobs :many
WITH due AS MATERIALIZED ( -- so that no two nodes take the same
    SELECT j.id FROM jobs j
    WHERE j.ended_at IS NULL AND j.expires_at <= sqlc.arg(now)
    ORDER BY j.expires_at
    LIMIT sqlc.arg(limit_rows)::bigint
    FOR UPDATE OF j SKIP LOCKED
)
UPDATE jobs
SET status = 'timeout', error = sqlc.arg(error), ended_at = expires_at, callback_due_at = CASE WHEN callback_url IS NULL THEN NULL ELSE sqlc.arg(now) END
WHERE id = ANY (ARRAY(SELECT id FROM due))
RETURNING *;

-- name: ShiftJobs :exec
-- Moves the times of the jobs that run, after the clock jumped.
UPDATE jobs SET created_at = created_at + sqlc.arg(by)::bigint, expires_at = expires_at + sqlc.arg(by)::bigint
WHERE ended_at IS NULL;

-- name: NextJobExpiry :one
-- No row when no job is under way.
SELECT expires_at FROM jobs WHERE ended_at IS NULL ORDER BY expires_at LIMIT 1;

-- name: ForgetJobs :many
-- Removes jobs that ended long ago.
WITH due AS MATERIALIZED ( -- so that no two nodes take the same
    SELECT j.id FROM jobs j WHERE j.ended_at <= sqlc.arg(before) ORDER BY j.ended_at LIMIT sqlc.arg(limit_rows)::bigint
    FOR UPDATE OF j SKIP LOCKED
)
DELETE FROM jobs WHERE id = ANY (ARRAY(SELECT id FROM due))
RETURNING *;

-- name: ClaimCallbacks :many
-- Takes announcements that are due. Each is due again at retry_at, unless it is settled before.
WITH due AS MATERIALIZED ( -- so that no two nodes take the same
    SELECT j.id FROM jobs j
    WHERE j.callback_due_at IS NOT NULL AND j.callback_due_at <= sqlc.arg(now)
    ORDER BY j.callback_due_at
    LIMIT sqlc.arg(limit_rows)::bigint
    FOR UPDATE OF j SKIP LOCKED
)
UPDATE jobs SET callback_attempts = callback_attempts + 1, callback_due_at = sqlc.arg(retry_at)
WHERE id = ANY (ARRAY(SELECT id FROM due))
RETURNING *;

-- name: SettleCallback :execrows
-- Notes how an attempt went: a NULL due time settles it for good.
UPDATE jobs SET callback_due_at = sqlc.arg(due_at), callback_error = sqlc.arg(callback_error)
WHERE id = sqlc.arg(id) AND callback_attempts = sqlc.arg(attempt) AND callback_due_at IS NOT NULL;

-- name: NextCallback :one
SELECT callback_due_at FROM jobs WHERE callback_due_at IS NOT NULL ORDER BY callback_due_at LIMIT 1;

-- name: CountCallerJobs :one
SELECT count(*) FROM (SELECT 1 FROM jobs WHERE user_id = sqlc.arg(user_id) AND ended_at IS NULL LIMIT sqlc.arg(at_most)::bigint) under_way;
