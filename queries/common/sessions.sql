-- name: InsertSession :exec
-- scope: tenant
INSERT INTO sessions (tenant, id, agent_id, user_id, channel_id, metadata, timeout_ms, max_duration_ms, warning_ms, auto_renew, renewal_count, created_at, active_at, renewed_at, expires_at, due_at, warned_at, ended_at, end_reason)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(user_id), sqlc.arg(channel_id), sqlc.arg(metadata), sqlc.arg(timeout_ms), sqlc.arg(max_duration_ms), sqlc.arg(warning_ms), sqlc.arg(auto_renew), sqlc.arg(renewal_count), sqlc.arg(created_at), sqlc.arg(active_at), sqlc.arg(renewed_at), sqlc.arg(expires_at), sqlc.arg(due_at), sqlc.arg(warned_at), sqlc.arg(ended_at), sqlc.arg(end_reason));

-- name: GetSession :one
-- scope: viewer
SELECT * FROM sessions WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer));

-- name: ListSessions :many
-- scope: viewer
-- The live ones, newest first.
SELECT * FROM sessions
WHERE tenant = sqlc.arg(tenant) AND ended_at IS NULL AND expires_at > sqlc.arg(now) AND created_at <= sqlc.arg(until)
  AND CAST(sqlc.arg(everyone) AS boolean)
ORDER BY created_at DESC, id
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: ListUserSessions :many
-- scope: viewer
SELECT * FROM sessions
WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(user_id) AND ended_at IS NULL AND expires_at > sqlc.arg(now) AND created_at <= sqlc.arg(until)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer))
ORDER BY created_at DESC, id
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: CountSessions :one
-- scope: viewer
-- Counts of live sessions, of those near their end, and of expired ones that are still kept.
SELECT CAST(coalesce(sum(CASE WHEN ended_at IS NULL AND expires_at > sqlc.arg(now) THEN 1 ELSE 0 END), 0) AS bigint) AS live,
       CAST(coalesce(sum(CASE WHEN ended_at IS NULL AND expires_at > sqlc.arg(now) AND expires_at - warning_ms <= sqlc.arg(now) THEN 1 ELSE 0 END), 0) AS bigint) AS near_end,
       CAST(coalesce(sum(CASE WHEN (ended_at IS NULL AND expires_at <= sqlc.arg(now)) OR end_reason = 'expired' THEN 1 ELSE 0 END), 0) AS bigint) AS expired
FROM sessions
WHERE tenant = sqlc.arg(tenant) AND (CAST(sqlc.arg(any_user) AS boolean) OR user_id = sqlc.arg(user_id))
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer));

-- name: RenewSession :one
-- scope: viewer
-- Restarts the time-out, up to the maximum duration. Finds no row when the session has ended, or when this is no explicit
-- renewal and the session doesn't renew itself.
UPDATE sessions
SET active_at = sqlc.arg(now), renewed_at = sqlc.arg(now), renewal_count = renewal_count + 1, warned_at = NULL,
    expires_at = CASE WHEN sqlc.arg(now) + timeout_ms < created_at + max_duration_ms THEN sqlc.arg(now) + timeout_ms ELSE created_at + max_duration_ms END,
    due_at = CASE WHEN sqlc.arg(now) + timeout_ms < created_at + max_duration_ms THEN sqlc.arg(now) + timeout_ms ELSE created_at + max_duration_ms END - warning_ms
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND ended_at IS NULL AND expires_at > sqlc.arg(now) AND (auto_renew OR CAST(sqlc.arg(by_hand) AS boolean))
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer))
RETURNING *;

-- name: TouchSession :one
-- scope: viewer
-- Notes activity that renews nothing. Finds no row when the session has ended.
UPDATE sessions SET active_at = sqlc.arg(now)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND ended_at IS NULL AND expires_at > sqlc.arg(now)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer))
RETURNING *;

-- name: ChangeSession :one
-- scope: viewer
UPDATE sessions
SET timeout_ms = sqlc.arg(timeout_ms), max_duration_ms = sqlc.arg(max_duration_ms), warning_ms = sqlc.arg(warning_ms), auto_renew = sqlc.arg(auto_renew), warned_at = NULL,
    expires_at = CASE WHEN renewed_at + sqlc.arg(timeout_ms) < created_at + sqlc.arg(max_duration_ms) THEN renewed_at + sqlc.arg(timeout_ms) ELSE created_at + sqlc.arg(max_duration_ms) END,
    due_at = CASE WHEN renewed_at + sqlc.arg(timeout_ms) < created_at + sqlc.arg(max_duration_ms) THEN renewed_at + sqlc.arg(timeout_ms) ELSE created_at + sqlc.arg(max_duration_ms) END - sqlc.arg(warning_ms)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND ended_at IS NULL
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer))
RETURNING *;

-- name: EndSession :one
-- scope: viewer
-- Includes a session that ended earlier in another way and is still kept.
UPDATE sessions SET ended_at = sqlc.arg(ended_at), end_reason = sqlc.arg(end_reason)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND end_reason <> 'deleted'
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer))
RETURNING *;

-- name: EndChannelSession :execrows
-- scope: tenant
UPDATE sessions SET ended_at = sqlc.arg(ended_at), end_reason = sqlc.arg(end_reason)
WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id) AND ended_at IS NULL;

-- name: EndAllSessions :execrows
-- scope: system
UPDATE sessions SET ended_at = sqlc.arg(ended_at), end_reason = sqlc.arg(end_reason) WHERE tenant = sqlc.arg(tenant) AND ended_at IS NULL;

-- name: ShiftSessions :exec
-- scope: system
-- Moves all times of live sessions, after the clock jumped: the maximum duration counts from the beginning, and the time-out
-- from the last renewal.
UPDATE sessions
SET created_at = created_at + CAST(sqlc.arg(by) AS bigint), active_at = active_at + CAST(sqlc.arg(by) AS bigint), renewed_at = renewed_at + CAST(sqlc.arg(by) AS bigint),
    expires_at = expires_at + CAST(sqlc.arg(by) AS bigint), due_at = due_at + CAST(sqlc.arg(by) AS bigint), warned_at = warned_at + CAST(sqlc.arg(by) AS bigint)
WHERE tenant = sqlc.arg(tenant) AND ended_at IS NULL;

-- name: NextSessionDue :one
-- scope: system
-- When the next sweep is due; no row when there is no session.
SELECT due_at FROM sessions WHERE tenant = sqlc.arg(tenant) AND ended_at IS NULL ORDER BY due_at LIMIT 1;
