-- name: InsertChannel :execrows
-- scope: tenant
INSERT INTO channels (tenant, id, message_server_id, name, type, source_type, source_id, topic, metadata, turn_policy, pair_key, created_by, last_seq, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(message_server_id), sqlc.arg(name), sqlc.arg(type), sqlc.arg(source_type), sqlc.arg(source_id), sqlc.arg(topic), sqlc.arg(metadata), sqlc.arg(turn_policy), sqlc.arg(pair_key), sqlc.arg(created_by), 0, sqlc.arg(created_at), sqlc.arg(updated_at))
ON CONFLICT DO NOTHING;

-- name: GetChannel :one
-- scope: viewer
SELECT * FROM channels WHERE channels.tenant = sqlc.arg(tenant) AND channels.id = sqlc.arg(id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(id) AND v.entity_id = sqlc.arg(viewer)));

-- name: GetPairChannel :one
-- scope: viewer
SELECT * FROM channels WHERE channels.tenant = sqlc.arg(tenant) AND message_server_id = sqlc.arg(message_server_id) AND pair_key = sqlc.arg(pair_key)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = channels.id AND v.entity_id = sqlc.arg(viewer)));

-- name: UpdateChannel :one
-- scope: viewer
UPDATE channels
SET name = sqlc.arg(name), topic = sqlc.arg(topic), metadata = sqlc.arg(metadata), turn_policy = sqlc.arg(turn_policy), updated_at = CASE WHEN updated_at < sqlc.arg(updated_at) THEN sqlc.arg(updated_at) ELSE updated_at END
WHERE channels.tenant = sqlc.arg(tenant) AND channels.id = sqlc.arg(id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(id) AND v.entity_id = sqlc.arg(viewer)))
RETURNING *;

-- name: DeleteChannel :execrows
-- scope: viewer
DELETE FROM channels WHERE channels.tenant = sqlc.arg(tenant) AND channels.id = sqlc.arg(id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(id) AND v.entity_id = sqlc.arg(viewer)));

-- name: NextSeq :one
-- scope: viewer
-- Takes the channel's next number. updated_at never goes back, so neither do the times of its messages.
UPDATE channels SET last_seq = last_seq + 1, updated_at = CASE WHEN updated_at < sqlc.arg(now) THEN sqlc.arg(now) ELSE updated_at END
WHERE channels.tenant = sqlc.arg(tenant) AND channels.id = sqlc.arg(id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(id) AND v.entity_id = sqlc.arg(viewer)))
RETURNING *;

-- name: AddParticipant :execrows
-- scope: tenant
INSERT INTO channel_participants (tenant, channel_id, entity_id, state, joined_at) VALUES (sqlc.arg(tenant), sqlc.arg(channel_id), sqlc.arg(entity_id), '', sqlc.arg(joined_at))
ON CONFLICT (channel_id, entity_id) DO NOTHING;

-- name: RemoveParticipant :execrows
-- scope: viewer
DELETE FROM channel_participants WHERE channel_participants.tenant = sqlc.arg(tenant) AND channel_participants.channel_id = sqlc.arg(channel_id) AND channel_participants.entity_id = sqlc.arg(entity_id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)));

-- name: RemoveParticipants :exec
-- scope: viewer
DELETE FROM channel_participants WHERE channel_participants.tenant = sqlc.arg(tenant) AND channel_participants.channel_id = sqlc.arg(channel_id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)));

-- name: ListParticipants :many
-- scope: viewer
SELECT entity_id FROM channel_participants WHERE channel_participants.tenant = sqlc.arg(tenant) AND channel_participants.channel_id = sqlc.arg(channel_id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer))) ORDER BY joined_at, entity_id;

-- name: SetParticipantState :execrows
-- scope: viewer
UPDATE channel_participants SET state = sqlc.arg(state) WHERE channel_participants.tenant = sqlc.arg(tenant) AND channel_participants.channel_id = sqlc.arg(channel_id) AND channel_participants.entity_id = sqlc.arg(entity_id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)));

-- name: GetAgentChannel :one
-- scope: tenant
-- A channel, and what a turn there needs to know of its agent first.
SELECT sqlc.embed(c), a.version, a.running
FROM channels c JOIN agents a ON a.id = sqlc.arg(agent_id)
WHERE c.tenant = sqlc.arg(tenant) AND a.tenant = sqlc.arg(tenant) AND c.id = sqlc.arg(channel_id);

-- name: ListChannelMembers :many
-- scope: tenant
-- All participants of a channel, in the order of joining, and for agents what decides whether each gets a
-- turn.
SELECT p.entity_id, p.state, a.name, a.running,
       CAST(m.agent_id IS NOT NULL AS BOOLEAN) AS attached
FROM channel_participants p
JOIN channels c ON c.id = p.channel_id
LEFT JOIN agents a ON a.id = p.entity_id
LEFT JOIN message_server_agents m ON m.message_server_id = c.message_server_id AND m.agent_id = a.id
WHERE p.tenant = sqlc.arg(tenant) AND p.channel_id = sqlc.arg(channel_id)
ORDER BY p.joined_at, p.entity_id;

-- name: UpsertSourceChannel :one
-- scope: tenant
-- The channel that mirrors one of another platform: created, or updated. updated_at never goes back.
INSERT INTO channels (tenant, id, message_server_id, name, type, source_type, source_id, topic, metadata, turn_policy, pair_key, created_by, last_seq, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(message_server_id), sqlc.arg(name), sqlc.arg(type), sqlc.arg(source_type), sqlc.arg(source_id), NULL, sqlc.arg(metadata), sqlc.arg(turn_policy), NULL, sqlc.arg(created_by), 0, sqlc.arg(created_at), sqlc.arg(updated_at))
ON CONFLICT (message_server_id, source_type, source_id) WHERE source_id IS NOT NULL
DO UPDATE SET name = excluded.name, type = excluded.type,
    updated_at = CASE WHEN channels.updated_at < excluded.updated_at THEN excluded.updated_at ELSE channels.updated_at END
WHERE channels.tenant = excluded.tenant
RETURNING *;

-- name: FindSourceChannel :one
-- scope: tenant
-- The oldest channel that mirrors one of a platform, on any message server.
SELECT * FROM channels
WHERE tenant = sqlc.arg(tenant) AND source_type = sqlc.arg(source_type) AND source_id = sqlc.arg(source_id)
ORDER BY created_at
LIMIT 1;

-- name: ListServerChannelIDs :many
-- scope: tenant
SELECT id FROM channels WHERE tenant = sqlc.arg(tenant) AND message_server_id = sqlc.arg(message_server_id);
