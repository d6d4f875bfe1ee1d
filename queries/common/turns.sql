-- name: ClaimTurn :one
-- scope: system
-- Leases a turn. It never starts before it was queued, even if the clocks of two nodes differ.
UPDATE turns
SET status = 'running', lease_owner = sqlc.arg(owner), lease_until = sqlc.arg(lease_until), attempts = attempts + 1,
    started_at = coalesce(started_at, CASE WHEN turns.queued_at < sqlc.arg(now) THEN sqlc.arg(now) ELSE turns.queued_at END)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND status IN ('queued', 'running')
RETURNING *;

-- name: RenewTurnLease :one
-- scope: system
-- Returns whether the turn is to be cancelled, and finds no row when it is no longer the owner's.
UPDATE turns SET lease_until = sqlc.arg(lease_until)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND status = 'running' AND lease_owner = sqlc.arg(owner)
RETURNING cancel_requested;

-- name: ReleaseTurnLease :execrows
-- scope: system
-- Releases a turn to its mailbox, unless it was claimed again since that attempt.
UPDATE turns SET status = 'queued', lease_owner = '', lease_until = 0
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND status = 'running' AND lease_owner = sqlc.arg(owner) AND attempts = sqlc.arg(attempt);

-- name: ReleaseTurnLeases :execrows
-- scope: system
-- Releases an owner's turns to their mailboxes.
UPDATE turns SET status = 'queued', lease_owner = '', lease_until = 0
WHERE tenant = sqlc.arg(tenant) AND status = 'running' AND lease_owner = sqlc.arg(owner);

-- name: ReleaseAllTurnLeases :execrows
-- scope: system
-- Releases every running turn; only valid while no other process uses the database.
UPDATE turns SET status = 'queued', lease_owner = '', lease_until = 0
WHERE tenant = sqlc.arg(tenant) AND status = 'running';

-- name: AnyTurnQueued :one
-- scope: system
-- One that waits behind another of its mailbox doesn't count. The order makes PostgreSQL use the index.
SELECT EXISTS (SELECT 1 FROM (SELECT t.id FROM turns t WHERE t.tenant = sqlc.arg(tenant) AND t.head AND t.status = 'queued' ORDER BY t.queued_at, t.seq LIMIT 1) AS oldest);

-- name: EndMessageTurns :many
-- scope: tenant
-- Ends the active turns of a message from outside.
UPDATE turns SET status = sqlc.arg(new_status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), lease_owner = '', lease_until = 0, ended_at = sqlc.arg(ended_at)
WHERE tenant = sqlc.arg(tenant) AND message_id = sqlc.arg(message_id) AND status IN ('queued', 'running')
RETURNING *;

-- name: EndQueuedTurn :one
-- scope: tenant
-- Ends a turn from outside, unless a worker has it.
UPDATE turns SET status = sqlc.arg(new_status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), ended_at = sqlc.arg(ended_at)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND status = 'queued'
RETURNING *;

-- name: RequestTurnCancel :one
-- scope: tenant
-- Asks the worker of a turn, or the next one, to end it. Finds no row when it has ended.
UPDATE turns SET cancel_requested = true
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND status IN ('queued', 'running')
RETURNING *;

-- name: GetOpenTurnOfResponse :one
-- scope: tenant
-- The turn that will reply under an id, while it is not over.
SELECT * FROM turns
WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id) AND ended_at IS NULL AND response_id = sqlc.arg(response_id);

-- name: EndChannelTurns :many
-- scope: tenant
UPDATE turns SET status = sqlc.arg(new_status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), lease_owner = '', lease_until = 0, ended_at = sqlc.arg(ended_at)
WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id) AND ended_at IS NULL AND status IN ('queued', 'running')
RETURNING *;

-- name: GetTurn :one
-- scope: tenant
SELECT * FROM turns WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: GetMessageTurn :one
-- scope: tenant
SELECT * FROM turns WHERE tenant = sqlc.arg(tenant) AND message_id = sqlc.arg(message_id) AND agent_id = sqlc.arg(agent_id);

-- name: ListMessageTurns :many
-- scope: tenant
SELECT * FROM turns WHERE tenant = sqlc.arg(tenant) AND message_id = sqlc.arg(message_id) ORDER BY queued_at, agent_id;

-- name: ListAgentTurns :many
-- scope: tenant
-- Newest first, by their queueing; none that was queued after until_time. The time span includes both ends and holds the runs that
-- started in it, or were queued in it and have not started; an empty status_group means any status, any_channel any channel.
SELECT * FROM turns
WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id)
  AND queued_at <= sqlc.arg(until_time)
  AND (queued_at >= sqlc.arg(from_time) OR started_at >= sqlc.arg(from_time))
  AND queued_at <= sqlc.arg(to_time) AND (started_at IS NULL OR started_at <= sqlc.arg(to_time))
  AND (CAST(sqlc.arg(any_channel) AS boolean) OR channel_id = sqlc.arg(channel_id))
  AND (CAST(sqlc.arg(status_group) AS text) = ''
       OR (CAST(sqlc.arg(status_group) AS text) = 'started' AND status IN ('queued', 'running'))
       OR (CAST(sqlc.arg(status_group) AS text) = 'completed' AND status IN ('replied', 'ignored'))
       OR (CAST(sqlc.arg(status_group) AS text) = 'timeout' AND status = 'timed_out')
       OR (CAST(sqlc.arg(status_group) AS text) = 'error' AND status IN ('failed', 'cancelled', 'superseded')))
ORDER BY queued_at DESC, seq DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: CountAgentTurns :one
-- scope: tenant
SELECT count(*) FROM turns
WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id)
  AND queued_at <= sqlc.arg(until_time)
  AND (queued_at >= sqlc.arg(from_time) OR started_at >= sqlc.arg(from_time))
  AND queued_at <= sqlc.arg(to_time) AND (started_at IS NULL OR started_at <= sqlc.arg(to_time))
  AND (CAST(sqlc.arg(any_channel) AS boolean) OR channel_id = sqlc.arg(channel_id))
  AND (CAST(sqlc.arg(status_group) AS text) = ''
       OR (CAST(sqlc.arg(status_group) AS text) = 'started' AND status IN ('queued', 'running'))
       OR (CAST(sqlc.arg(status_group) AS text) = 'completed' AND status IN ('replied', 'ignored'))
       OR (CAST(sqlc.arg(status_group) AS text) = 'timeout' AND status = 'timed_out')
       OR (CAST(sqlc.arg(status_group) AS text) = 'error' AND status IN ('failed', 'cancelled', 'superseded')));

-- name: InsertTurnEvent :exec
-- scope: tenant
INSERT INTO turn_events (tenant, turn_id, position, type, at, data, agent_id) VALUES (sqlc.arg(tenant), sqlc.arg(turn_id), sqlc.arg(position), sqlc.arg(type), sqlc.arg(at), sqlc.arg(data), sqlc.arg(agent_id))
ON CONFLICT (turn_id, position) DO NOTHING;

-- name: ListTurnEvents :many
-- scope: tenant
SELECT * FROM turn_events WHERE tenant = sqlc.arg(tenant) AND turn_id = sqlc.arg(turn_id) ORDER BY position;

-- name: ListChannelLog :many
-- scope: tenant
-- The same for one channel, where an agent takes its turns one after the other, so that their order is that of the entries.
SELECT sqlc.embed(e), t.channel_id, t.message_id, t.sender_id
FROM turns t JOIN turn_events e ON e.turn_id = t.id
WHERE t.tenant = sqlc.arg(tenant) AND t.channel_id = sqlc.arg(channel_id) AND t.agent_id = sqlc.arg(agent_id) AND e.at >= sqlc.arg(from_time) AND e.at <= sqlc.arg(to_time)
ORDER BY t.queued_at DESC, t.id DESC, e.position DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: InsertTurnAction :exec
-- scope: tenant
INSERT INTO turn_actions (tenant, turn_id, position, action, parameters, at, failed, result)
VALUES (sqlc.arg(tenant), sqlc.arg(turn_id), sqlc.arg(position), sqlc.arg(action), sqlc.arg(parameters), sqlc.arg(at), false, '');

-- name: EndTurnAction :exec
-- scope: tenant
UPDATE turn_actions SET ended_at = sqlc.arg(ended_at), failed = sqlc.arg(failed), result = sqlc.arg(result)
WHERE tenant = sqlc.arg(tenant) AND turn_id = sqlc.arg(turn_id) AND position = sqlc.arg(position);

-- name: ListTurnActions :many
-- scope: tenant
SELECT * FROM turn_actions WHERE tenant = sqlc.arg(tenant) AND turn_id = sqlc.arg(turn_id) ORDER BY position;

-- name: ListRecentActions :many
-- scope: tenant
-- What an agent did in a channel in the newest of its turns there that were queued before a point in time; those of the newest first.
SELECT a.* FROM (
    SELECT u.id, u.queued_at FROM turns u
    WHERE u.tenant = sqlc.arg(tenant) AND u.channel_id = sqlc.arg(channel_id) AND u.agent_id = sqlc.arg(agent_id) AND u.queued_at < sqlc.arg(before)
    ORDER BY u.queued_at DESC LIMIT CAST(sqlc.arg(limit_turns) AS bigint)
) t JOIN turn_actions a ON a.turn_id = t.id
WHERE a.tenant = sqlc.arg(tenant)
ORDER BY t.queued_at DESC, t.id, a.position DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);
