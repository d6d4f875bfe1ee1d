-- name: InsertChannel :execrows
INSERT INTO channels (id, message_server_id, name, type, source_type, source_id, topic, metadata, turn_policy, pair_key, created_by, last_seq, created_at, updated_at)
VALUES (@id, @message_server_id, @name, @type, @source_type, @source_id, @topic, @metadata, @turn_policy, @pair_key, @created_by, 0, @created_at, @updated_at)
ON CONFLICT DO NOTHING;

-- name: GetChannel :one
SELECT * FROM channels WHERE id = @id;

-- name: GetChannelForUpdate :one
-- Keeps others from changing the channel until the transaction ends.
SELECT * FROM channels WHERE id = @id;

-- name: GetPairChannel :one
SELECT * FROM channels WHERE message_server_id = @message_server_id AND pair_key = @pair_key;

-- name: ListServerChannels :many
-- Session and job channels are the server's own; they are listed only on request.
SELECT * FROM channels
WHERE message_server_id = @message_server_id
  AND (CAST(@include_internal AS BOOLEAN) OR (name NOT GLOB 'session-*' AND name NOT GLOB 'job-*'))
ORDER BY updated_at DESC, id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: UpdateChannel :one
UPDATE channels
SET name = @name, topic = @topic, metadata = @metadata, turn_policy = @turn_policy, updated_at = CASE WHEN updated_at < @updated_at THEN @updated_at ELSE updated_at END
WHERE id = @id
RETURNING *;

-- name: DeleteChannel :execrows
DELETE FROM channels WHERE id = @id;

-- name: NextSeq :one
-- Takes the channel's next number. updated_at never goes back, so neither do the times of its messages.
UPDATE channels SET last_seq = last_seq + 1, updated_at = CASE WHEN updated_at < @now THEN @now ELSE updated_at END
WHERE id = @id
RETURNING *;

-- name: AddParticipant :execrows
INSERT INTO channel_participants (channel_id, entity_id, state, joined_at) VALUES (@channel_id, @entity_id, '', @joined_at)
ON CONFLICT (channel_id, entity_id) DO NOTHING;

-- name: RemoveParticipant :execrows
DELETE FROM channel_participants WHERE channel_id = @channel_id AND entity_id = @entity_id;

-- name: RemoveParticipants :exec
DELETE FROM channel_participants WHERE channel_id = @channel_id;

-- name: ListParticipants :many
SELECT entity_id FROM channel_participants WHERE channel_id = @channel_id ORDER BY joined_at, entity_id;

-- name: SetParticipantState :execrows
UPDATE channel_participants SET state = @state WHERE channel_id = @channel_id AND entity_id = @entity_id;

-- name: GetAgentChannel :one
-- A channel, and what a turn there needs to know of its agent first.
SELECT sqlc.embed(c), a.version, a.running
FROM channels c JOIN agents a ON a.id = @agent_id
WHERE c.id = @channel_id;

-- name: ListChannelMembers :many
-- Everybody who takes part in a channel, in the order of joining, and of those who are agents what stands between each and a
-- turn.
SELECT p.entity_id, p.state, a.name, a.running,
       CAST(m.agent_id IS NOT NULL AS BOOLEAN) AS attached
FROM channel_participants p
JOIN channels c ON c.id = p.channel_id
LEFT JOIN agents a ON a.id = p.entity_id
LEFT JOIN message_server_agents m ON m.message_server_id = c.message_server_id AND m.agent_id = a.id
WHERE p.channel_id = @channel_id
ORDER BY p.joined_at, p.entity_id;

-- name: ListChannelAgents :many
-- The agents that take part in a channel, and what stands between each and a turn: it must be running and attached to the
-- channel's message server. unanswered counts the messages of the channel that it was given and is not done with; that their
-- seq is positive is always so, and leads SQLite to the index of active turns, past all that the channel ever had.
SELECT a.id, a.name, a.running,
       CAST(EXISTS (SELECT 1 FROM message_server_agents m WHERE m.agent_id = a.id AND m.message_server_id = c.message_server_id) AS BOOLEAN) AS attached,
       (SELECT count(*) FROM turns t WHERE t.agent_id = a.id AND t.channel_id = p.channel_id AND t.seq > 0 AND t.status IN ('queued', 'running')) AS unanswered
FROM channel_participants p
JOIN channels c ON c.id = p.channel_id
JOIN agents a ON a.id = p.entity_id
WHERE p.channel_id = @channel_id
ORDER BY p.joined_at, a.id;

-- name: UpsertSourceChannel :one
-- The channel that mirrors one of another platform: made, or brought up to date. updated_at never goes back.
INSERT INTO channels (id, message_server_id, name, type, source_type, source_id, topic, metadata, turn_policy, pair_key, created_by, last_seq, created_at, updated_at)
VALUES (@id, @message_server_id, @name, @type, @source_type, @source_id, NULL, @metadata, @turn_policy, NULL, @created_by, 0, @created_at, @updated_at)
ON CONFLICT (message_server_id, source_type, source_id) WHERE source_id IS NOT NULL
DO UPDATE SET name = excluded.name, type = excluded.type,
    updated_at = CASE WHEN channels.updated_at < excluded.updated_at THEN excluded.updated_at ELSE channels.updated_at END
RETURNING *;

-- name: FindSourceChannel :one
-- The oldest channel that mirrors a platform's one, on whichever message server.
SELECT * FROM channels
WHERE source_type = @source_type AND source_id = @source_id
ORDER BY created_at
LIMIT 1;

-- name: CountServerChannels :one
-- How many channels a message server has, counted up to max_rows, without those of sessions and jobs.
SELECT count(*) FROM (
    SELECT 1 FROM channels
    WHERE message_server_id = @message_server_id AND name NOT GLOB 'session-*' AND name NOT GLOB 'job-*'
    LIMIT CAST(@max_rows AS INTEGER));

-- name: CountAllServerChannels :one
-- The same with them.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE message_server_id = @message_server_id LIMIT CAST(@max_rows AS INTEGER));

-- name: ListServerChannelIDs :many
SELECT id FROM channels WHERE message_server_id = @message_server_id;

-- name: CountMadeChannels :one
-- Channels that callers made. Counts no further than is asked for, by the condition of channels_made word by word.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE created_at > 0 AND pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job')) LIMIT @at_most);

-- name: CountDMs :one
-- DMs of two entities. Counts no further than is asked for, as the following do.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE pair_key IS NOT NULL LIMIT @at_most);

-- name: CountCallerChannels :one
-- Of the channels that CountMadeChannels counts, those of one caller.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE created_by = @caller AND pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job')) LIMIT @at_most);

-- name: CountCallerDMs :one
-- Of the channels that CountDMs counts, those of one caller.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE created_by = @caller AND pair_key > '' AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job')) LIMIT @at_most);

-- name: CountParticipants :one
SELECT count(*) FROM (SELECT 1 FROM channel_participants WHERE channel_id = @channel_id LIMIT @at_most);
