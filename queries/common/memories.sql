-- name: InsertMemory :execrows
-- scope: tenant
-- Does nothing where the memory exists, or the agent has one of that message.
INSERT INTO memories (tenant, id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, edited, embedding, embedding_space, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(entity_id), sqlc.arg(room_id), sqlc.arg(world_id), sqlc.arg(table_name), sqlc.arg(content), sqlc.arg(metadata), sqlc.arg(message_id), sqlc.arg(is_unique), FALSE, sqlc.arg(embedding), sqlc.arg(embedding_space), sqlc.arg(created_at), sqlc.arg(updated_at))
ON CONFLICT DO NOTHING;

-- name: GetMemory :one
-- scope: tenant
SELECT * FROM memories WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: UpdateMemory :one
-- scope: tenant
UPDATE memories
SET content = sqlc.arg(content), metadata = sqlc.arg(metadata), edited = sqlc.arg(edited), embedding = sqlc.arg(embedding), embedding_space = sqlc.arg(embedding_space), updated_at = sqlc.arg(updated_at)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id)
RETURNING *;

-- name: DeleteMemory :execrows
-- scope: tenant
DELETE FROM memories WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: DeleteAgentMemories :execrows
-- scope: tenant
DELETE FROM memories WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id);

-- name: DeleteRoomMemories :execrows
-- scope: tenant
-- With only_table, those of one kind.
DELETE FROM memories
WHERE tenant = sqlc.arg(tenant) AND room_id = sqlc.arg(room_id) AND agent_id = sqlc.arg(agent_id) AND (CAST(sqlc.arg(only_table) AS text) = '' OR table_name = CAST(sqlc.arg(only_table) AS text));

-- name: ForgetMessage :exec
-- scope: tenant
INSERT INTO forgotten_messages (tenant, message_id, agent_id) VALUES (sqlc.arg(tenant), sqlc.arg(message_id), sqlc.arg(agent_id))
ON CONFLICT (message_id, agent_id) DO NOTHING;

-- name: ForgetRoomMessages :exec
-- scope: tenant
-- Makes an agent forget all messages in the channel of a room.
INSERT INTO forgotten_messages (tenant, message_id, agent_id)
SELECT r.tenant, m.id, r.agent_id FROM rooms r JOIN messages m ON m.channel_id = r.channel_id
WHERE r.tenant = sqlc.arg(tenant) AND r.id = sqlc.arg(room_id) AND r.agent_id = sqlc.arg(agent_id)
ON CONFLICT (message_id, agent_id) DO NOTHING;

-- name: ForgetAgentMessages :exec
-- scope: tenant
-- The same for all rooms of the agent.
INSERT INTO forgotten_messages (tenant, message_id, agent_id)
SELECT r.tenant, m.id, r.agent_id FROM rooms r JOIN messages m ON m.channel_id = r.channel_id
WHERE r.tenant = sqlc.arg(tenant) AND r.agent_id = sqlc.arg(agent_id)
ON CONFLICT (message_id, agent_id) DO NOTHING;
