-- name: CountJobs :many
-- scope: viewer
-- By status, with the total duration of those that have ended.
SELECT CAST(CASE WHEN ended_at IS NULL AND expires_at <= sqlc.arg(now) THEN 'timeout' ELSE status END AS text) AS state,
       count(*) AS jobs,
       CAST(coalesce(sum(ended_at - created_at), 0) AS bigint) AS took_ms
FROM jobs
WHERE tenant = sqlc.arg(tenant) AND (sqlc.arg(any_user)::boolean OR user_id = sqlc.arg(user_id))
  AND (sqlc.arg(everyone)::boolean OR user_id = sqlc.arg(viewer))
GROUP BY 1;

-- name: CountActiveJobs :one
-- scope: tenant
-- Counts up to at_most.
SELECT count(*) FROM (SELECT 1 FROM jobs WHERE tenant = sqlc.arg(tenant) AND ended_at IS NULL AND expires_at > 0 LIMIT sqlc.arg(at_most)::bigint) AS active;

-- name: ExpireJobs :many
-- scope: system
WITH due AS MATERIALIZED ( -- so that no two nodes take the same
    SELECT j.id FROM jobs j
    WHERE j.tenant = sqlc.arg(tenant) AND j.ended_at IS NULL AND j.expires_at <= sqlc.arg(now)
    ORDER BY j.expires_at
    LIMIT sqlc.arg(limit_rows)::bigint
    FOR UPDATE OF j SKIP LOCKED
)
UPDATE jobs
SET status = 'timeout', error = sqlc.arg(error), ended_at = expires_at, callback_due_at = CASE WHEN callback_url IS NULL THEN NULL ELSE sqlc.arg(now) END
WHERE id = ANY (ARRAY(SELECT id FROM due))
RETURNING *;

-- name: ForgetJobs :many
-- scope: system
-- Removes jobs that ended long ago.
WITH due AS MATERIALIZED ( -- so that no two nodes take the same
    SELECT j.id FROM jobs j WHERE j.tenant = sqlc.arg(tenant) AND j.ended_at <= sqlc.arg(before) ORDER BY j.ended_at LIMIT sqlc.arg(limit_rows)::bigint
    FOR UPDATE OF j SKIP LOCKED
)
DELETE FROM jobs WHERE id = ANY (ARRAY(SELECT id FROM due))
RETURNING *;

-- name: ClaimCallbacks :many
-- scope: system
-- Claims announcements that are due. Each is due again at retry_at, unless it is settled before.
WITH due AS MATERIALIZED ( -- so that no two nodes take the same
    SELECT j.id FROM jobs j
    WHERE j.tenant = sqlc.arg(tenant) AND j.callback_due_at IS NOT NULL AND j.callback_due_at <= sqlc.arg(now)
    ORDER BY j.callback_due_at
    LIMIT sqlc.arg(limit_rows)::bigint
    FOR UPDATE OF j SKIP LOCKED
)
UPDATE jobs SET callback_attempts = callback_attempts + 1, callback_due_at = sqlc.arg(retry_at)
WHERE id = ANY (ARRAY(SELECT id FROM due))
RETURNING *;

-- name: CountCallerJobs :one
-- scope: tenant
SELECT count(*) FROM (SELECT 1 FROM jobs WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(user_id) AND ended_at IS NULL LIMIT sqlc.arg(at_most)::bigint) under_way;
