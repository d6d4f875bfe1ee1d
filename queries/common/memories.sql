-- name: InsertMemory :execrows
-- Does nothing where the memory exists, or the agent has one of that message.
INSERT INTO memories (id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, edited, embedding, embedding_space, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(entity_id), sqlc.arg(room_id), sqlc.arg(world_id), sqlc.arg(table_name), sqlc.arg(content), sqlc.arg(metadata), sqlc.arg(message_id), sqlc.arg(is_unique), FALSE, sqlc.arg(embedding), sqlc.arg(embedding_space), sqlc.arg(created_at), sqlc.arg(updated_at))
ON CONFLICT DO NOTHING;

-- name: GetMemory :one
SELECT * FROM memories WHERE id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: UpdateMemory :one
UPDATE memories
SET content = sqlc.arg(content), metadata = sqlc.arg(metadata), edited = sqlc.arg(edited), embedding = sqlc.arg(embedding), embedding_space = sqlc.arg(embedding_space), updated_at = sqlc.arg(updated_at)
WHERE id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id)
RETURNING *;

-- name: DeleteMemory :execrows
DELETE FROM memories WHERE id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: DeleteAgentMemories :execrows
DELETE FROM memories WHERE agent_id = sqlc.arg(agent_id);

-- name: DeleteRoomMemories :execrows
-- With only_table, those of one kind.
DELETE FROM memories
WHERE room_id = sqlc.arg(room_id) AND agent_id = sqlc.arg(agent_id) AND (CAST(sqlc.arg(only_table) AS text) = '' OR table_name = CAST(sqlc.arg(only_table) AS text));

-- name: ForgetMessage :exec
INSERT INTO forgotten_messages (message_id, agent_id) VALUES (sqlc.arg(message_id), sqlc.arg(agent_id))
ON CONFLICT (message_id, agent_id) DO NOTHING;

-- name: ForgetRoomMessages :exec
-- Makes an agent forget all messages in the channel of a room.
INSERT INTO forgotten_messages (message_id, agent_id)
SELECT m.id, r.agent_id FROM rooms r JOIN messages m ON m.channel_id = r.channel_id
WHERE r.id = sqlc.arg(room_id) AND r.agent_id = sqlc.arg(agent_id)
ON CONFLICT (message_id, agent_id) DO NOTHING;

-- name: ForgetAgentMessages :exec
-- The same for all rooms of the agent.
INSERT INTO forgotten_messages (message_id, agent_id)
SELECT m.id, r.agent_id FROM rooms r JOIN messages m ON m.channel_id = r.channel_id
WHERE r.agent_id = sqlc.arg(agent_id)
ON CONFLICT (message_id, agent_id) DO NOTHING;
