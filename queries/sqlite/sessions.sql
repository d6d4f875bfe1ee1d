-- name: GetSessionForUpdate :one
-- scope: viewer
-- Keeps others from changing the session until the transaction ends.
SELECT * FROM sessions WHERE tenant = @tenant AND id = @id
  AND (CAST(@everyone AS BOOLEAN) OR user_id = @viewer);

-- name: WarnSessions :many
-- scope: system
-- Claims sessions that are near their end and have not been announced yet.
UPDATE sessions SET warned_at = @now, due_at = expires_at
WHERE id IN (
    SELECT s.id FROM sessions s
    WHERE s.tenant = @tenant AND s.ended_at IS NULL AND s.due_at <= @now AND s.warned_at IS NULL AND s.expires_at > @now
    ORDER BY s.due_at
    LIMIT @limit_rows)
RETURNING *;

-- name: ExpireSessions :many
-- scope: system
UPDATE sessions SET ended_at = expires_at, end_reason = 'expired'
WHERE id IN (
    SELECT s.id FROM sessions s
    WHERE s.tenant = @tenant AND s.ended_at IS NULL AND s.due_at <= @now AND s.expires_at <= @now
    ORDER BY s.due_at
    LIMIT @limit_rows)
RETURNING *;

-- name: ForgetSessions :many
-- scope: system
-- Removes what is left of sessions that ended long ago.
DELETE FROM sessions WHERE id IN (SELECT s.id FROM sessions s WHERE s.tenant = @tenant AND s.ended_at <= @before ORDER BY s.ended_at LIMIT @limit_rows)
RETURNING *;

-- name: CountOpenSessions :one
-- scope: tenant
-- Counts up to at_most.
SELECT count(*) FROM (SELECT 1 FROM sessions WHERE tenant = @tenant AND ended_at IS NULL AND created_at > 0 LIMIT @at_most);

-- name: CountCallerSessions :one
-- scope: tenant
SELECT count(*) FROM (SELECT 1 FROM sessions WHERE tenant = @tenant AND user_id = @user_id AND ended_at IS NULL LIMIT @at_most);
