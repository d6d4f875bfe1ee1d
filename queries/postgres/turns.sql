-- name: InsertTurn :exec
INSERT INTO turns (id, agent_id, channel_id, message_id, sender_id, seq, response_id, status, reason, detail, reply_id, character_version, attempts, lease_owner, lease_until, queued_at, started_at, ended_at)
VALUES (sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(channel_id), sqlc.arg(message_id), sqlc.arg(sender_id), sqlc.arg(seq), sqlc.arg(response_id), 'queued', '', '', NULL, 0, 0, '', 0, sqlc.arg(queued_at), NULL, NULL);

-- name: ClaimTurns :many
-- Leases the heads of mailboxes, the longest waiting first: an active turn with no earlier active turn of the same agent in
-- the same channel, that is queued or whose lease has passed. The turns come back in no particular order. A turn never starts
-- before it was queued, whatever the clocks of two nodes say.
WITH heads AS MATERIALIZED ( -- folded into the update, this could run once per row and pass the limit
    SELECT t.id FROM turns t
    WHERE t.status IN ('queued', 'running')
      AND (t.status = 'queued' OR t.lease_until < sqlc.arg(now))
      AND NOT EXISTS (
          SELECT 1 FROM turns e
          WHERE e.agent_id = t.agent_id AND e.channel_id = t.channel_id AND e.seq < t.seq AND e.status IN ('queued', 'running'))
    ORDER BY t.queued_at, t.seq
    LIMIT sqlc.arg(max_turns)::bigint
    FOR UPDATE OF t SKIP LOCKED
)
UPDATE turns
SET status = 'running', lease_owner = sqlc.arg(owner), lease_until = sqlc.arg(lease_until), attempts = attempts + 1,
    started_at = coalesce(started_at, CASE WHEN turns.queued_at < sqlc.arg(now) THEN sqlc.arg(now) ELSE turns.queued_at END)
WHERE id IN (SELECT id FROM heads)
RETURNING *;

-- name: RenewTurnLeases :execrows
UPDATE turns SET lease_until = sqlc.arg(lease_until)
WHERE status IN ('queued', 'running') AND status = 'running' AND lease_owner = sqlc.arg(owner);

-- name: ReleaseTurnLeases :execrows
-- Gives an owner's turns back to their mailboxes.
UPDATE turns SET status = 'queued', lease_owner = '', lease_until = 0
WHERE status IN ('queued', 'running') AND status = 'running' AND lease_owner = sqlc.arg(owner);

-- name: ReleaseAllTurnLeases :execrows
-- Gives every running turn back; only right while no other process works on the database.
UPDATE turns SET status = 'queued', lease_owner = '', lease_until = 0
WHERE status IN ('queued', 'running') AND status = 'running';

-- name: FinishTurn :one
-- Finds no row when the turn is no longer the owner's.
UPDATE turns
SET status = sqlc.arg(status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), reply_id = sqlc.arg(reply_id), character_version = sqlc.arg(character_version), lease_owner = '', lease_until = 0, ended_at = sqlc.arg(ended_at)
WHERE id = sqlc.arg(id) AND status = 'running' AND lease_owner = sqlc.arg(owner)
RETURNING *;

-- name: EndMessageTurns :many
-- Ends the active turns of a message from outside.
UPDATE turns SET status = sqlc.arg(new_status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), lease_owner = '', lease_until = 0, ended_at = sqlc.arg(ended_at)
WHERE message_id = sqlc.arg(message_id) AND status IN ('queued', 'running')
RETURNING *;

-- name: EndChannelTurns :many
UPDATE turns SET status = sqlc.arg(new_status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), lease_owner = '', lease_until = 0, ended_at = sqlc.arg(ended_at)
WHERE channel_id = sqlc.arg(channel_id) AND status IN ('queued', 'running')
RETURNING *;

-- name: EndAgentTurns :many
UPDATE turns SET status = sqlc.arg(new_status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), lease_owner = '', lease_until = 0, ended_at = sqlc.arg(ended_at)
WHERE agent_id = sqlc.arg(agent_id) AND status IN ('queued', 'running')
RETURNING *;

-- name: EndMailboxTurns :many
-- Ends the active turns of one mailbox; with queued_only, those not yet begun.
UPDATE turns SET status = sqlc.arg(new_status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), lease_owner = '', lease_until = 0, ended_at = sqlc.arg(ended_at)
WHERE agent_id = sqlc.arg(agent_id) AND channel_id = sqlc.arg(channel_id)
  AND status IN ('queued', 'running') AND (status = 'queued' OR NOT sqlc.arg(queued_only)::boolean)
RETURNING *;

-- name: GetTurn :one
SELECT * FROM turns WHERE id = sqlc.arg(id);

-- name: GetMessageTurn :one
SELECT * FROM turns WHERE message_id = sqlc.arg(message_id) AND agent_id = sqlc.arg(agent_id);

-- name: ListMessageTurns :many
SELECT * FROM turns WHERE message_id = sqlc.arg(message_id) ORDER BY queued_at, agent_id;

-- name: ListAgentTurns :many
-- Newest first, as they came; none that came after until_time. The time span includes both ends and holds the runs that
-- started in it, or came in it and have not started; an empty status_group means any status, any_channel any channel.
SELECT * FROM turns
WHERE agent_id = sqlc.arg(agent_id)
  AND queued_at <= sqlc.arg(until_time)
  AND (queued_at >= sqlc.arg(from_time) OR started_at >= sqlc.arg(from_time))
  AND queued_at <= sqlc.arg(to_time) AND (started_at IS NULL OR started_at <= sqlc.arg(to_time))
  AND (sqlc.arg(any_channel)::boolean OR channel_id = sqlc.arg(channel_id))
  AND (sqlc.arg(status_group)::text = ''
       OR (sqlc.arg(status_group)::text = 'started' AND status IN ('queued', 'running'))
       OR (sqlc.arg(status_group)::text = 'completed' AND status IN ('replied', 'ignored'))
       OR (sqlc.arg(status_group)::text = 'timeout' AND status = 'timed_out')
       OR (sqlc.arg(status_group)::text = 'error' AND status IN ('failed', 'cancelled', 'superseded')))
ORDER BY queued_at DESC, seq DESC
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: CountAgentTurns :one
SELECT count(*) FROM turns
WHERE agent_id = sqlc.arg(agent_id)
  AND queued_at <= sqlc.arg(until_time)
  AND (queued_at >= sqlc.arg(from_time) OR started_at >= sqlc.arg(from_time))
  AND queued_at <= sqlc.arg(to_time) AND (started_at IS NULL OR started_at <= sqlc.arg(to_time))
  AND (sqlc.arg(any_channel)::boolean OR channel_id = sqlc.arg(channel_id))
  AND (sqlc.arg(status_group)::text = ''
       OR (sqlc.arg(status_group)::text = 'started' AND status IN ('queued', 'running'))
       OR (sqlc.arg(status_group)::text = 'completed' AND status IN ('replied', 'ignored'))
       OR (sqlc.arg(status_group)::text = 'timeout' AND status = 'timed_out')
       OR (sqlc.arg(status_group)::text = 'error' AND status IN ('failed', 'cancelled', 'superseded')));

-- name: InsertTurnEvent :exec
INSERT INTO turn_events (turn_id, position, type, at, data, agent_id) VALUES (sqlc.arg(turn_id), sqlc.arg(position), sqlc.arg(type), sqlc.arg(at), sqlc.arg(data), sqlc.arg(agent_id))
ON CONFLICT (turn_id, position) DO NOTHING;

-- name: ListTurnEvents :many
SELECT * FROM turn_events WHERE turn_id = sqlc.arg(turn_id) ORDER BY position;

-- name: NextLogPosition :one
-- Where the next entry of a turn's log goes.
SELECT coalesce(max(position) + 1, 0)::bigint FROM turn_events WHERE turn_id = sqlc.arg(turn_id);

-- name: ListAgentLog :many
-- The log of all turns of an agent, newest first. The time span includes both ends.
SELECT sqlc.embed(e), t.channel_id, t.message_id, t.sender_id
FROM turn_events e JOIN turns t ON t.id = e.turn_id
WHERE e.agent_id = sqlc.arg(agent_id) AND e.at >= sqlc.arg(from_time) AND e.at <= sqlc.arg(to_time)
ORDER BY e.at DESC, e.turn_id DESC, e.position DESC
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: ListChannelLog :many
-- The same for one channel, where an agent takes its turns one after the other, so that their order is that of the entries.
SELECT sqlc.embed(e), t.channel_id, t.message_id, t.sender_id
FROM turns t JOIN turn_events e ON e.turn_id = t.id
WHERE t.channel_id = sqlc.arg(channel_id) AND t.agent_id = sqlc.arg(agent_id) AND e.at >= sqlc.arg(from_time) AND e.at <= sqlc.arg(to_time)
ORDER BY t.queued_at DESC, t.id DESC, e.position DESC
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: DeleteLogEntry :execrows
-- The turn is one of a range, because the id of an entry holds most of its turn's.
DELETE FROM turn_events
WHERE turn_id >= sqlc.arg(first_turn) AND turn_id <= sqlc.arg(last_turn) AND position = sqlc.arg(position)
  AND agent_id = sqlc.arg(agent_id);
