-- name: InsertTurn :exec
-- scope: tenant
-- The turn is the head of its mailbox if there is no other. The caller holds the channel's row, which the seq comes from.
INSERT INTO turns (tenant, id, agent_id, channel_id, message_id, sender_id, seq, response_id, status, reason, detail, reply_id, character_version, attempts, lease_owner, lease_until, queued_at, started_at, ended_at, head)
VALUES (@tenant, @id, @agent_id, @channel_id, @message_id, @sender_id, @seq, @response_id, 'queued', '', '', NULL, 0, 0, '', 0, @queued_at, NULL, NULL,
        (SELECT o.id FROM turns o WHERE o.agent_id = @agent_id AND o.channel_id = @channel_id AND o.seq > 0 AND o.status IN ('queued', 'running') ORDER BY o.seq LIMIT 1) IS NULL);

-- name: ListClaimableTurns :many
-- scope: system
-- Heads of mailboxes that are queued, or whose lease has expired. The sender with the fewest running turns
-- comes first, then the longest waiting; no sender has more than max_per_sender running.
--
-- It reads few of the waiting heads: no more of a sender than it could get, and only those of the senders of the
-- oldest heads, of those with running turns, and of as many others that follow after_sender by their id. The latter are included because one
-- sender that may get no more can have all of the oldest heads; a caller that moves after_sender on from claim to claim reaches all senders.
--
-- The casts keep SQLite from planning again for each new limit, which took longer than all the rest.
WITH RECURSIVE
    running AS (SELECT r.id, r.sender_id FROM turns r WHERE r.tenant = @tenant AND r.status = 'running'),
    round AS (
        SELECT coalesce(
            (SELECT t.sender_id FROM turns t WHERE t.tenant = @tenant AND t.head AND t.status = 'queued' AND t.sender_id > @after_sender ORDER BY t.sender_id LIMIT 1),
            (SELECT t.sender_id FROM turns t WHERE t.tenant = @tenant AND t.head AND t.status = 'queued' ORDER BY t.sender_id LIMIT 1)) AS sender_id
        UNION
        SELECT coalesce(
            (SELECT t.sender_id FROM turns t WHERE t.tenant = @tenant AND t.head AND t.status = 'queued' AND t.sender_id > round.sender_id ORDER BY t.sender_id LIMIT 1),
            (SELECT t.sender_id FROM turns t WHERE t.tenant = @tenant AND t.head AND t.status = 'queued' ORDER BY t.sender_id LIMIT 1))
        FROM round
        LIMIT @max_turns + (SELECT count(*) FROM running)
    ),
    senders AS (
        SELECT round.sender_id FROM round
        UNION
        SELECT running.sender_id FROM running
        UNION
        SELECT oldest.sender_id FROM (SELECT t.sender_id FROM turns t WHERE t.tenant = @tenant AND t.head AND t.status = 'queued' ORDER BY t.queued_at, t.seq LIMIT CAST(@max_turns AS INTEGER)) AS oldest
    ),
    near AS (
        SELECT running.id AS head_id FROM running
        UNION ALL
        SELECT w.id FROM senders CROSS JOIN turns w ON w.id IN (
            SELECT t.id FROM turns t WHERE t.tenant = @tenant AND t.head AND t.status = 'queued' AND t.sender_id = senders.sender_id ORDER BY t.queued_at, t.seq LIMIT CAST(@max_turns AS INTEGER))
    ),
    placed AS (
        SELECT t.id AS head_id, t.queued_at AS since, t.seq AS number,
               row_number() OVER (PARTITION BY t.sender_id ORDER BY CASE WHEN t.status = 'running' THEN 0 ELSE 1 END, t.queued_at, t.seq) AS place
        FROM near CROSS JOIN turns t ON t.id = near.head_id -- each of these makes SQLite begin with the few
    ),
    allowed AS (SELECT head_id, since, number, place FROM placed WHERE place <= CAST(@max_per_sender AS INTEGER))
SELECT t.id FROM allowed CROSS JOIN turns t ON t.id = allowed.head_id
WHERE t.status = 'queued' OR t.lease_until < @now
ORDER BY place, since, number
LIMIT CAST(@max_turns AS INTEGER);

-- name: FinishTurn :one
-- scope: system
-- Finds no row when the turn is no longer the owner's.
UPDATE turns
SET status = @status, reason = @reason, detail = @detail, reply_id = @reply_id, character_version = @character_version, lease_owner = '', lease_until = 0, ended_at = @ended_at
WHERE tenant = @tenant AND id = @id AND status = 'running' AND lease_owner = @owner
RETURNING *;

-- name: EndAgentTurns :many
-- scope: tenant
UPDATE turns SET status = @new_status, reason = @reason, detail = @detail, lease_owner = '', lease_until = 0, ended_at = @ended_at
WHERE tenant = @tenant AND agent_id = @agent_id AND status IN ('queued', 'running')
  AND channel_id > '' -- always so; it leads SQLite to the index of active turns, past the agent's history
RETURNING *;

-- name: EndMailboxTurns :many
-- scope: tenant
-- Ends the active turns of one mailbox; with queued_only, those not yet begun.
UPDATE turns SET status = @new_status, reason = @reason, detail = @detail, lease_owner = '', lease_until = 0, ended_at = @ended_at
WHERE tenant = @tenant AND agent_id = @agent_id AND channel_id = @channel_id
  AND seq > 0 -- always so; it leads SQLite to the index of active turns, past the mailbox's history
  AND status IN ('queued', 'running') AND (status = 'queued' OR NOT CAST(@queued_only AS BOOLEAN))
RETURNING *;

-- name: NextLogPosition :one
-- scope: tenant
-- The position of the next entry in a turn's log.
SELECT CAST(coalesce(max(position) + 1, 0) AS INTEGER) FROM turn_events WHERE tenant = @tenant AND turn_id = @turn_id;

-- name: ListAgentLog :many
-- scope: tenant
-- The log of all turns of an agent, newest first. The time span includes both ends.
SELECT sqlc.embed(e), t.channel_id, t.message_id, t.sender_id
FROM turn_events e INDEXED BY turn_events_agent CROSS JOIN turns t ON t.id = e.turn_id -- SQLite begins with the log, in the order that is asked for
WHERE e.tenant = @tenant AND e.agent_id = @agent_id AND e.at >= @from_time AND e.at <= @to_time
ORDER BY e.at DESC, e.turn_id DESC, e.position DESC
LIMIT @limit_rows OFFSET @offset_rows;

-- name: DeleteLogEntry :execrows
-- scope: tenant
-- The turn is in a range, because the id of an entry contains most of its turn's.
DELETE FROM turn_events
WHERE tenant = @tenant AND turn_id >= @first_turn AND turn_id <= @last_turn AND position = @position
  AND +agent_id = @agent_id; -- the sign leads SQLite past the agent's whole log, to the range of turns
