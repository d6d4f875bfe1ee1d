-- name: InsertSession :exec
INSERT INTO sessions (id, agent_id, user_id, channel_id, metadata, timeout_ms, max_duration_ms, warning_ms, auto_renew, renewal_count, created_at, active_at, renewed_at, expires_at, due_at, warned_at, ended_at, end_reason)
VALUES (@id, @agent_id, @user_id, @channel_id, @metadata, @timeout_ms, @max_duration_ms, @warning_ms, @auto_renew, @renewal_count, @created_at, @active_at, @renewed_at, @expires_at, @due_at, @warned_at, @ended_at, @end_reason);

-- name: GetSession :one
SELECT * FROM sessions WHERE id = @id;

-- name: GetSessionForUpdate :one
-- Keeps others from changing the session until the transaction ends.
SELECT * FROM sessions WHERE id = @id;

-- name: ListSessions :many
-- The live ones, newest first.
SELECT * FROM sessions
WHERE ended_at IS NULL AND expires_at > @now AND created_at <= @until
ORDER BY created_at DESC, id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: ListUserSessions :many
SELECT * FROM sessions
WHERE user_id = @user_id AND ended_at IS NULL AND expires_at > @now AND created_at <= @until
ORDER BY created_at DESC, id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: CountSessions :one
-- Live sessions, those of them that are near their end, and those that ran out and are still remembered.
SELECT CAST(coalesce(sum(CASE WHEN ended_at IS NULL AND expires_at > @now THEN 1 ELSE 0 END), 0) AS INTEGER) AS live,
       CAST(coalesce(sum(CASE WHEN ended_at IS NULL AND expires_at > @now AND expires_at - warning_ms <= @now THEN 1 ELSE 0 END), 0) AS INTEGER) AS near_end,
       CAST(coalesce(sum(CASE WHEN (ended_at IS NULL AND expires_at <= @now) OR end_reason = 'expired' THEN 1 ELSE 0 END), 0) AS INTEGER) AS expired
FROM sessions
WHERE CAST(@any_user AS BOOLEAN) OR user_id = @user_id;

-- name: RenewSession :one
-- Begins the time-out anew, up to the longest life. Finds no row when the session is over, or when nobody asked for it by
-- hand and it doesn't renew itself.
UPDATE sessions
SET active_at = @now, renewed_at = @now, renewal_count = renewal_count + 1, warned_at = NULL,
    expires_at = CASE WHEN @now + timeout_ms < created_at + max_duration_ms THEN @now + timeout_ms ELSE created_at + max_duration_ms END,
    due_at = CASE WHEN @now + timeout_ms < created_at + max_duration_ms THEN @now + timeout_ms ELSE created_at + max_duration_ms END - warning_ms
WHERE id = @id AND ended_at IS NULL AND expires_at > @now AND (auto_renew OR CAST(@by_hand AS BOOLEAN))
RETURNING *;

-- name: TouchSession :one
-- Notes activity that renews nothing. Finds no row when the session is over.
UPDATE sessions SET active_at = @now
WHERE id = @id AND ended_at IS NULL AND expires_at > @now
RETURNING *;

-- name: ChangeSession :one
UPDATE sessions
SET timeout_ms = @timeout_ms, max_duration_ms = @max_duration_ms, warning_ms = @warning_ms, auto_renew = @auto_renew, warned_at = NULL,
    expires_at = CASE WHEN renewed_at + @timeout_ms < created_at + @max_duration_ms THEN renewed_at + @timeout_ms ELSE created_at + @max_duration_ms END,
    due_at = CASE WHEN renewed_at + @timeout_ms < created_at + @max_duration_ms THEN renewed_at + @timeout_ms ELSE created_at + @max_duration_ms END - @warning_ms
WHERE id = @id AND ended_at IS NULL
RETURNING *;

-- name: EndSession :one
-- Also one that ended before in another way and is still remembered.
UPDATE sessions SET ended_at = @ended_at, end_reason = @end_reason
WHERE id = @id AND end_reason <> 'deleted'
RETURNING *;

-- name: EndChannelSession :execrows
UPDATE sessions SET ended_at = @ended_at, end_reason = @end_reason
WHERE channel_id = @channel_id AND ended_at IS NULL;

-- name: EndAllSessions :execrows
UPDATE sessions SET ended_at = @ended_at, end_reason = @end_reason WHERE ended_at IS NULL;

-- name: WarnSessions :many
-- Takes sessions whose end comes near and of which nobody has told yet.
UPDATE sessions SET warned_at = @now, due_at = expires_at
WHERE id IN (
    SELECT s.id FROM sessions s
    WHERE s.ended_at IS NULL AND s.due_at <= @now AND s.warned_at IS NULL AND s.expires_at > @now
    ORDER BY s.due_at
    LIMIT @limit_rows)
RETURNING *;

-- name: ExpireSessions :many
UPDATE sessions SET ended_at = expires_at, end_reason = 'expired'
WHERE id IN (
    SELECT s.id FROM sessions s
    WHERE s.ended_at IS NULL AND s.due_at <= @now AND s.expires_at <= @now
    ORDER BY s.due_at
    LIMIT @limit_rows)
RETURNING *;

-- name: ShiftSessions :exec
-- Moves all times of the sessions that live, after the clock jumped: the longest life counts from the beginning, and the time-out
-- from the last renewal.
UPDATE sessions
SET created_at = created_at + CAST(@by AS INTEGER), active_at = active_at + CAST(@by AS INTEGER), renewed_at = renewed_at + CAST(@by AS INTEGER),
    expires_at = expires_at + CAST(@by AS INTEGER), due_at = due_at + CAST(@by AS INTEGER), warned_at = warned_at + CAST(@by AS INTEGER)
WHERE ended_at IS NULL;

-- name: NextSessionDue :one
-- When a sweep is needed next; no row when there is no session.
SELECT due_at FROM sessions WHERE ended_at IS NULL ORDER BY due_at LIMIT 1;

-- name: ForgetSessions :many
-- Removes what is left of sessions that ended long ago.
DELETE FROM sessions WHERE id IN (SELECT s.id FROM sessions s WHERE s.ended_at <= @before ORDER BY s.ended_at LIMIT @limit_rows)
RETURNING *;

-- name: CountOpenSessions :one
-- Counts no further than is asked for.
SELECT count(*) FROM (SELECT 1 FROM sessions WHERE ended_at IS NULL AND created_at > 0 LIMIT @at_most);

-- name: CountCallerSessions :one
SELECT count(*) FROM (SELECT 1 FROM sessions WHERE user_id = @user_id AND ended_at IS NULL LIMIT @at_most);
