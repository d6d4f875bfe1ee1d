-- name: InsertTurn :exec
INSERT INTO turns (id, agent_id, channel_id, message_id, sender_id, seq, response_id, status, reason, detail, reply_id, character_version, attempts, lease_owner, lease_until, queued_at, started_at, ended_at)
VALUES (@id, @agent_id, @channel_id, @message_id, @sender_id, @seq, @response_id, 'queued', '', '', NULL, 0, 0, '', 0, @queued_at, NULL, NULL);

-- name: ClaimTurns :many
-- Leases the heads of mailboxes, the longest waiting first: an active turn with no earlier active turn of the same agent in
-- the same channel, that is queued or whose lease has passed. The turns come back in no particular order. A turn never starts
-- before it was queued, whatever the clocks of two nodes say.
UPDATE turns
SET status = 'running', lease_owner = @owner, lease_until = @lease_until, attempts = attempts + 1,
    started_at = coalesce(started_at, CASE WHEN turns.queued_at < @now THEN @now ELSE turns.queued_at END)
WHERE id IN (
    SELECT t.id FROM turns t
    WHERE t.status IN ('queued', 'running')
      AND (t.status = 'queued' OR t.lease_until < @now)
      AND NOT EXISTS (
          SELECT 1 FROM turns e
          WHERE e.agent_id = t.agent_id AND e.channel_id = t.channel_id AND e.seq < t.seq AND e.status IN ('queued', 'running'))
    ORDER BY t.queued_at, t.seq
    LIMIT @max_turns)
RETURNING *;

-- name: RenewTurnLeases :execrows
UPDATE turns SET lease_until = @lease_until
WHERE status IN ('queued', 'running') AND status = 'running' AND lease_owner = @owner;

-- name: ReleaseTurnLeases :execrows
-- Gives an owner's turns back to their mailboxes.
UPDATE turns SET status = 'queued', lease_owner = '', lease_until = 0
WHERE status IN ('queued', 'running') AND status = 'running' AND lease_owner = @owner;

-- name: ReleaseAllTurnLeases :execrows
-- Gives every running turn back; only right while no other process works on the database.
UPDATE turns SET status = 'queued', lease_owner = '', lease_until = 0
WHERE status IN ('queued', 'running') AND status = 'running';

-- name: FinishTurn :one
-- Finds no row when the turn is no longer the owner's.
UPDATE turns
SET status = @status, reason = @reason, detail = @detail, reply_id = @reply_id, character_version = @character_version, lease_owner = '', lease_until = 0, ended_at = @ended_at
WHERE id = @id AND status = 'running' AND lease_owner = @owner
RETURNING *;

-- name: EndMessageTurns :many
-- Ends the active turns of a message from outside.
UPDATE turns SET status = @new_status, reason = @reason, detail = @detail, lease_owner = '', lease_until = 0, ended_at = @ended_at
WHERE message_id = @message_id AND status IN ('queued', 'running')
RETURNING *;

-- name: EndChannelTurns :many
UPDATE turns SET status = @new_status, reason = @reason, detail = @detail, lease_owner = '', lease_until = 0, ended_at = @ended_at
WHERE +channel_id = @channel_id AND status IN ('queued', 'running') -- the sign leads SQLite past the channel's history, to the index of active turns
RETURNING *;

-- name: EndAgentTurns :many
UPDATE turns SET status = @new_status, reason = @reason, detail = @detail, lease_owner = '', lease_until = 0, ended_at = @ended_at
WHERE agent_id = @agent_id AND status IN ('queued', 'running')
  AND channel_id > '' -- always so; it leads SQLite to the index of active turns, past the agent's history
RETURNING *;

-- name: EndMailboxTurns :many
-- Ends the active turns of one mailbox; with queued_only, those not yet begun.
UPDATE turns SET status = @new_status, reason = @reason, detail = @detail, lease_owner = '', lease_until = 0, ended_at = @ended_at
WHERE agent_id = @agent_id AND channel_id = @channel_id
  AND status IN ('queued', 'running') AND (status = 'queued' OR NOT CAST(@queued_only AS BOOLEAN))
RETURNING *;

-- name: GetTurn :one
SELECT * FROM turns WHERE id = @id;

-- name: GetMessageTurn :one
SELECT * FROM turns WHERE message_id = @message_id AND agent_id = @agent_id;

-- name: ListMessageTurns :many
SELECT * FROM turns WHERE message_id = @message_id ORDER BY queued_at, agent_id;

-- name: ListAgentTurns :many
-- Newest first, as they came; none that came after until_time. The time span includes both ends and holds the runs that
-- started in it, or came in it and have not started; an empty status_group means any status, any_channel any channel.
SELECT * FROM turns
WHERE agent_id = @agent_id
  AND queued_at <= @until_time
  AND (queued_at >= @from_time OR started_at >= @from_time)
  AND queued_at <= @to_time AND (started_at IS NULL OR started_at <= @to_time)
  AND (CAST(@any_channel AS BOOLEAN) OR channel_id = @channel_id)
  AND (CAST(@status_group AS TEXT) = ''
       OR (CAST(@status_group AS TEXT) = 'started' AND status IN ('queued', 'running'))
       OR (CAST(@status_group AS TEXT) = 'completed' AND status IN ('replied', 'ignored'))
       OR (CAST(@status_group AS TEXT) = 'timeout' AND status = 'timed_out')
       OR (CAST(@status_group AS TEXT) = 'error' AND status IN ('failed', 'cancelled', 'superseded')))
ORDER BY queued_at DESC, seq DESC
LIMIT @limit_rows OFFSET @offset_rows;

-- name: CountAgentTurns :one
SELECT count(*) FROM turns
WHERE agent_id = @agent_id
  AND queued_at <= @until_time
  AND (queued_at >= @from_time OR started_at >= @from_time)
  AND queued_at <= @to_time AND (started_at IS NULL OR started_at <= @to_time)
  AND (CAST(@any_channel AS BOOLEAN) OR channel_id = @channel_id)
  AND (CAST(@status_group AS TEXT) = ''
       OR (CAST(@status_group AS TEXT) = 'started' AND status IN ('queued', 'running'))
       OR (CAST(@status_group AS TEXT) = 'completed' AND status IN ('replied', 'ignored'))
       OR (CAST(@status_group AS TEXT) = 'timeout' AND status = 'timed_out')
       OR (CAST(@status_group AS TEXT) = 'error' AND status IN ('failed', 'cancelled', 'superseded')));

-- name: InsertTurnEvent :exec
INSERT INTO turn_events (turn_id, position, type, at, data, agent_id) VALUES (@turn_id, @position, @type, @at, @data, @agent_id)
ON CONFLICT (turn_id, position) DO NOTHING;

-- name: ListTurnEvents :many
SELECT * FROM turn_events WHERE turn_id = @turn_id ORDER BY position;

-- name: NextLogPosition :one
-- Where the next entry of a turn's log goes.
SELECT CAST(coalesce(max(position) + 1, 0) AS INTEGER) FROM turn_events WHERE turn_id = @turn_id;

-- name: ListAgentLog :many
-- The log of all turns of an agent, newest first. The time span includes both ends.
SELECT sqlc.embed(e), t.channel_id, t.message_id, t.sender_id
FROM turn_events e JOIN turns t ON t.id = e.turn_id
WHERE e.agent_id = @agent_id AND e.at >= @from_time AND e.at <= @to_time
ORDER BY e.at DESC, e.turn_id DESC, e.position DESC
LIMIT @limit_rows OFFSET @offset_rows;

-- name: ListChannelLog :many
-- The same for one channel, where an agent takes its turns one after the other, so that their order is that of the entries.
SELECT sqlc.embed(e), t.channel_id, t.message_id, t.sender_id
FROM turns t JOIN turn_events e ON e.turn_id = t.id
WHERE t.channel_id = @channel_id AND t.agent_id = @agent_id AND e.at >= @from_time AND e.at <= @to_time
ORDER BY t.queued_at DESC, t.id DESC, e.position DESC
LIMIT @limit_rows OFFSET @offset_rows;

-- name: DeleteLogEntry :execrows
-- The turn is one of a range, because the id of an entry holds most of its turn's.
DELETE FROM turn_events
WHERE turn_id >= @first_turn AND turn_id <= @last_turn AND position = @position
  AND +agent_id = @agent_id; -- the sign leads SQLite past the agent's whole log, to the range of turns
