-- name: CountJobs :many
-- scope: viewer
-- By status, with the total duration of those that have ended.
SELECT CAST(CASE WHEN ended_at IS NULL AND expires_at <= @now THEN 'timeout' ELSE status END AS TEXT) AS state,
       count(*) AS jobs,
       CAST(coalesce(sum(ended_at - created_at), 0) AS INTEGER) AS took_ms
FROM jobs
WHERE tenant = @tenant AND (CAST(@any_user AS BOOLEAN) OR user_id = @user_id)
  AND (CAST(@everyone AS BOOLEAN) OR user_id = @viewer)
GROUP BY 1;

-- name: CountActiveJobs :one
-- scope: tenant
-- Counts up to at_most.
SELECT count(*) FROM (SELECT 1 FROM jobs WHERE tenant = @tenant AND ended_at IS NULL AND expires_at > 0 LIMIT @at_most);

-- name: ExpireJobs :many
-- scope: system
UPDATE jobs
SET status = 'timeout', error = @error, ended_at = expires_at, callback_due_at = CASE WHEN callback_url IS NULL THEN NULL ELSE @now END
WHERE id IN (
    SELECT j.id FROM jobs j
    WHERE j.tenant = @tenant AND j.ended_at IS NULL AND j.expires_at <= @now
    ORDER BY j.expires_at
    LIMIT @limit_rows)
RETURNING *;

-- name: ForgetJobs :many
-- scope: system
-- Removes jobs that ended long ago.
DELETE FROM jobs WHERE id IN (SELECT j.id FROM jobs j WHERE j.tenant = @tenant AND j.ended_at <= @before ORDER BY j.ended_at LIMIT @limit_rows)
RETURNING *;

-- name: ClaimCallbacks :many
-- scope: system
-- Claims announcements that are due. Each is due again at retry_at, unless it is settled before.
UPDATE jobs SET callback_attempts = callback_attempts + 1, callback_due_at = @retry_at
WHERE id IN (
    SELECT j.id FROM jobs j
    WHERE j.tenant = @tenant AND j.callback_due_at IS NOT NULL AND j.callback_due_at <= @now
    ORDER BY j.callback_due_at
    LIMIT @limit_rows)
RETURNING *;

-- name: CountCallerJobs :one
-- scope: tenant
SELECT count(*) FROM (SELECT 1 FROM jobs WHERE tenant = @tenant AND user_id = @user_id AND ended_at IS NULL LIMIT @at_most);
