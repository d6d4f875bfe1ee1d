-- name: InsertJob :one
INSERT INTO jobs (id, agent_id, user_id, channel_id, message_id, content, metadata, status, result, error, callback_url, callback_secret, callback_attempts, callback_due_at, callback_error, created_at, expires_at, ended_at)
VALUES (@id, @agent_id, @user_id, @channel_id, @message_id, @content, @metadata, 'processing', NULL, '', @callback_url, @callback_secret, 0, NULL, '', @created_at, @expires_at, NULL)
RETURNING *;

-- name: GetJob :one
SELECT * FROM jobs WHERE id = @id;

-- name: ListJobs :many
-- Newest first.
SELECT * FROM jobs
WHERE created_at <= @until
ORDER BY created_at DESC, id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: ListJobsOfStatus :many
SELECT * FROM jobs
WHERE status = @status AND created_at <= @until
ORDER BY created_at DESC, id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: ListUserJobs :many
-- An empty status means any.
SELECT * FROM jobs
WHERE user_id = @user_id AND created_at <= @until
  AND (CAST(@status AS TEXT) = '' OR status = @status)
ORDER BY created_at DESC, id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: CountJobs :many
-- By status, with the time that those took which have ended.
SELECT CAST(CASE WHEN ended_at IS NULL AND expires_at <= @now THEN 'timeout' ELSE status END AS TEXT) AS state,
       count(*) AS jobs,
       CAST(coalesce(sum(ended_at - created_at), 0) AS INTEGER) AS took_ms
FROM jobs
WHERE CAST(@any_user AS BOOLEAN) OR user_id = @user_id
GROUP BY 1;

-- name: CountActiveJobs :one
-- Counts no further than is asked for.
SELECT count(*) FROM (SELECT 1 FROM jobs WHERE ended_at IS NULL AND expires_at > 0 LIMIT @at_most);

-- name: EndJob :one
-- Ends the job of a message with the turn of its agent. Finds no row when there is none, or when it is over.
UPDATE jobs
SET status = @status, result = @result, error = @error, ended_at = @now, callback_due_at = CASE WHEN callback_url IS NULL THEN NULL ELSE @now END
WHERE message_id = @message_id AND agent_id = @agent_id AND ended_at IS NULL AND expires_at > @now
RETURNING *;

-- name: ExpireJobs :many
UPDATE jobs
SET status = 'timeout', error = @error, ended_at = expires_at, callback_due_at = CASE WHEN callback_url IS NULL THEN NULL ELSE @now END
WHERE id IN (
    SELECT j.id FROM jobs j
    WHERE j.ended_at IS NULL AND j.expires_at <= @now
    ORDER BY j.expires_at
    LIMIT @limit_rows)
RETURNING *;

-- name: ShiftJobs :exec
-- Moves the times of the jobs that run, after the clock jumped.
UPDATE jobs SET created_at = created_at + CAST(@by AS INTEGER), expires_at = expires_at + CAST(@by AS INTEGER)
WHERE ended_at IS NULL;

-- name: NextJobExpiry :one
-- No row when no job is under way.
SELECT expires_at FROM jobs WHERE ended_at IS NULL ORDER BY expires_at LIMIT 1;

-- name: ForgetJobs :many
-- Removes jobs that ended long ago.
DELETE FROM jobs WHERE id IN (SELECT j.id FROM jobs j WHERE j.ended_at <= @before ORDER BY j.ended_at LIMIT @limit_rows)
RETURNING *;

-- name: ClaimCallbacks :many
-- Takes announcements that are due. Each is due again at retry_at, unless it is settled before.
UPDATE jobs SET callback_attempts = callback_attempts + 1, callback_due_at = @retry_at
WHERE id IN (
    SELECT j.id FROM jobs j
    WHERE j.callback_due_at IS NOT NULL AND j.callback_due_at <= @now
    ORDER BY j.callback_due_at
    LIMIT @limit_rows)
RETURNING *;

-- name: SettleCallback :execrows
-- Notes how an attempt went: a NULL due time settles it for good.
UPDATE jobs SET callback_due_at = @due_at, callback_error = @callback_error
WHERE id = @id AND callback_attempts = @attempt AND callback_due_at IS NOT NULL;

-- name: NextCallback :one
SELECT callback_due_at FROM jobs WHERE callback_due_at IS NOT NULL ORDER BY callback_due_at LIMIT 1;

-- name: CountCallerJobs :one
SELECT count(*) FROM (SELECT 1 FROM jobs WHERE user_id = @user_id AND ended_at IS NULL LIMIT @at_most);
