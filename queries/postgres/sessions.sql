-- name: GetSessionForUpdate :one
-- scope: viewer
-- Keeps others from changing the session until the transaction ends.
SELECT * FROM sessions WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id)
  AND (sqlc.arg(everyone)::boolean OR user_id = sqlc.arg(viewer)) FOR UPDATE;

-- name: WarnSessions :many
-- scope: system
-- Claims sessions that are near their end and have not been announced yet.
WITH due AS MATERIALIZED ( -- so that no two nodes take the same
    SELECT s.id FROM sessions s
    WHERE s.tenant = sqlc.arg(tenant) AND s.ended_at IS NULL AND s.due_at <= sqlc.arg(now) AND s.warned_at IS NULL AND s.expires_at > sqlc.arg(now)
    ORDER BY s.due_at
    LIMIT sqlc.arg(limit_rows)::bigint
    FOR UPDATE OF s SKIP LOCKED
)
UPDATE sessions SET warned_at = sqlc.arg(now), due_at = expires_at
WHERE id = ANY (ARRAY(SELECT id FROM due))
RETURNING *;

-- name: ExpireSessions :many
-- scope: system
WITH due AS MATERIALIZED ( -- so that no two nodes take the same
    SELECT s.id FROM sessions s
    WHERE s.tenant = sqlc.arg(tenant) AND s.ended_at IS NULL AND s.due_at <= sqlc.arg(now) AND s.expires_at <= sqlc.arg(now)
    ORDER BY s.due_at
    LIMIT sqlc.arg(limit_rows)::bigint
    FOR UPDATE OF s SKIP LOCKED
)
UPDATE sessions SET ended_at = expires_at, end_reason = 'expired'
WHERE id = ANY (ARRAY(SELECT id FROM due))
RETURNING *;

-- name: ForgetSessions :many
-- scope: system
-- Removes what is left of sessions that ended long ago.
DELETE FROM sessions WHERE id = ANY (ARRAY(SELECT s.id FROM sessions s WHERE s.tenant = sqlc.arg(tenant) AND s.ended_at <= sqlc.arg(before) ORDER BY s.ended_at LIMIT sqlc.arg(limit_rows)::bigint))
RETURNING *;

-- name: CountOpenSessions :one
-- scope: tenant
-- Counts up to at_most.
SELECT count(*) FROM (SELECT 1 FROM sessions WHERE tenant = sqlc.arg(tenant) AND ended_at IS NULL AND created_at > 0 LIMIT sqlc.arg(at_most)::bigint) open_sessions;

-- name: CountCallerSessions :one
-- scope: tenant
SELECT count(*) FROM (SELECT 1 FROM sessions WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(user_id) AND ended_at IS NULL LIMIT sqlc.arg(at_most)::bigint) open_sessions;
