-- name: InsertTurn :exec
-- scope: tenant
-- The turn is the head of its mailbox if there is no other. The caller holds the channel's row, which the seq comes from.
INSERT INTO turns (tenant, id, agent_id, channel_id, message_id, sender_id, seq, response_id, status, reason, detail, reply_id, character_version, attempts, lease_owner, lease_until, queued_at, started_at, ended_at, head)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(channel_id), sqlc.arg(message_id), sqlc.arg(sender_id), sqlc.arg(seq), sqlc.arg(response_id), 'queued', '', '', NULL, 0, 0, '', 0, sqlc.arg(queued_at), NULL, NULL,
        (SELECT o.id FROM turns o WHERE o.agent_id = sqlc.arg(agent_id) AND o.channel_id = sqlc.arg(channel_id) AND o.status IN ('queued', 'running') ORDER BY o.seq LIMIT 1) IS NULL);

-- name: ListClaimableTurns :many
-- scope: system
-- Heads of mailboxes that are queued, or whose lease has expired, and that are not locked by another claim. The sender with the fewest running turns
-- comes first, then the longest waiting; no sender has more than max_per_sender running.
--
-- It reads few of the waiting heads: not many more of a sender than it could get (others may claim at the same time), and only those of the senders of the
-- oldest heads, of those with running turns, and of as many others that follow after_sender by their id. The latter are included because one
-- sender that may get no more can have all of the oldest heads; a caller that moves after_sender on from claim to claim reaches all senders.
WITH RECURSIVE running AS MATERIALIZED (
    SELECT r.id, r.sender_id, r.queued_at, r.seq, r.lease_until FROM turns r WHERE r.tenant = sqlc.arg(tenant) AND r.status = 'running'
), round (sender_id) AS (
    SELECT coalesce(
        (SELECT t.sender_id FROM turns t WHERE t.tenant = sqlc.arg(tenant) AND t.head AND t.status = 'queued' AND t.sender_id > sqlc.arg(after_sender) ORDER BY t.sender_id LIMIT 1),
        (SELECT t.sender_id FROM turns t WHERE t.tenant = sqlc.arg(tenant) AND t.head AND t.status = 'queued' ORDER BY t.sender_id LIMIT 1))
    UNION
    SELECT coalesce(
        (SELECT t.sender_id FROM turns t WHERE t.tenant = sqlc.arg(tenant) AND t.head AND t.status = 'queued' AND t.sender_id > round.sender_id ORDER BY t.sender_id LIMIT 1),
        (SELECT t.sender_id FROM turns t WHERE t.tenant = sqlc.arg(tenant) AND t.head AND t.status = 'queued' ORDER BY t.sender_id LIMIT 1))
    FROM round
), senders AS (
    (SELECT round.sender_id FROM round LIMIT sqlc.arg(max_turns)::bigint + (SELECT count(*) FROM running))
    UNION
    SELECT running.sender_id FROM running
    UNION
    (SELECT t.sender_id FROM turns t WHERE t.tenant = sqlc.arg(tenant) AND t.head AND t.status = 'queued' ORDER BY t.queued_at, t.seq LIMIT sqlc.arg(max_turns)::bigint)
), near AS (
    SELECT running.id, running.sender_id, running.queued_at, running.seq, 0 AS waits, running.lease_until < sqlc.arg(now) AS is_free FROM running
    UNION ALL
    SELECT w.id, senders.sender_id, w.queued_at, w.seq, 1 AS waits, true AS is_free FROM senders CROSS JOIN LATERAL (
        SELECT t.id, t.queued_at, t.seq FROM turns t WHERE t.tenant = sqlc.arg(tenant) AND t.head AND t.status = 'queued' AND t.sender_id = senders.sender_id
        ORDER BY t.queued_at, t.seq LIMIT 4 * sqlc.arg(max_turns)::bigint) AS w
), placed AS (
    SELECT near.id, near.is_free, near.queued_at, near.seq,
           row_number() OVER (PARTITION BY near.sender_id ORDER BY near.waits, near.queued_at, near.seq) AS place
    FROM near
), chosen AS MATERIALIZED ( -- an array, for which PostgreSQL looks up its members, whatever it expects of the rest
    SELECT ARRAY(
        SELECT placed.id FROM placed
        WHERE placed.is_free AND placed.place <= sqlc.arg(max_per_sender)::bigint
        ORDER BY placed.place, placed.queued_at, placed.seq
        LIMIT 4 * sqlc.arg(max_turns)::bigint) AS ids
)
SELECT t.id FROM chosen JOIN turns t ON t.id = ANY (chosen.ids)
WHERE t.status IN ('queued', 'running')
  AND (t.status = 'queued' OR t.lease_until < sqlc.arg(now)) -- of the row as it is when it is locked
ORDER BY array_position(chosen.ids, t.id)
LIMIT sqlc.arg(max_turns)::bigint
FOR UPDATE OF t SKIP LOCKED;

-- name: FinishTurn :one
-- scope: system
-- Finds no row when the turn is no longer the owner's. The channel's row is locked before the turn's, as in a post.
WITH home AS MATERIALIZED (
    SELECT c.id FROM channels c WHERE c.tenant = sqlc.arg(tenant) AND c.id = (SELECT t.channel_id FROM turns t WHERE t.id = sqlc.arg(id)) FOR NO KEY UPDATE
)
UPDATE turns
SET status = sqlc.arg(status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), reply_id = sqlc.arg(reply_id), character_version = sqlc.arg(character_version), lease_owner = '', lease_until = 0, ended_at = sqlc.arg(ended_at)
WHERE turns.tenant = sqlc.arg(tenant) AND turns.id = sqlc.arg(id) AND turns.status = 'running' AND turns.lease_owner = sqlc.arg(owner) AND turns.channel_id = (SELECT home.id FROM home)
RETURNING *;

-- name: EndAgentTurns :many
-- scope: tenant
UPDATE turns SET status = sqlc.arg(new_status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), lease_owner = '', lease_until = 0, ended_at = sqlc.arg(ended_at)
WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) AND status IN ('queued', 'running')
RETURNING *;

-- name: EndMailboxTurns :many
-- scope: tenant
-- Ends the active turns of one mailbox; with queued_only, those not yet begun.
UPDATE turns SET status = sqlc.arg(new_status), reason = sqlc.arg(reason), detail = sqlc.arg(detail), lease_owner = '', lease_until = 0, ended_at = sqlc.arg(ended_at)
WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) AND channel_id = sqlc.arg(channel_id)
  AND status IN ('queued', 'running') AND (status = 'queued' OR NOT sqlc.arg(queued_only)::boolean)
RETURNING *;

-- name: NextLogPosition :one
-- scope: tenant
-- The position of the next entry in a turn's log.
SELECT coalesce(max(position) + 1, 0)::bigint FROM turn_events WHERE tenant = sqlc.arg(tenant) AND turn_id = sqlc.arg(turn_id);

-- name: ListAgentLog :many
-- scope: tenant
-- The log of all turns of an agent, newest first. The time span includes both ends.
SELECT sqlc.embed(e), t.channel_id, t.message_id, t.sender_id
FROM turn_events e JOIN turns t ON t.id = e.turn_id
WHERE e.tenant = sqlc.arg(tenant) AND e.agent_id = sqlc.arg(agent_id) AND e.at >= sqlc.arg(from_time) AND e.at <= sqlc.arg(to_time)
ORDER BY e.at DESC, e.turn_id DESC, e.position DESC
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: DeleteLogEntry :execrows
-- scope: tenant
-- The turn is in a range, because the id of an entry contains most of its turn's.
DELETE FROM turn_events
WHERE tenant = sqlc.arg(tenant) AND turn_id >= sqlc.arg(first_turn) AND turn_id <= sqlc.arg(last_turn) AND position = sqlc.arg(position)
  AND agent_id = sqlc.arg(agent_id);
