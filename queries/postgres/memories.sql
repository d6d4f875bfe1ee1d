-- name: InsertMemory :execrows
-- Does nothing where the memory exists, or the agent has one of that message.
INSERT INTO memories (id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, edited, embedding, embedding_space, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(entity_id), sqlc.arg(room_id), sqlc.arg(world_id), sqlc.arg(table_name), sqlc.arg(content), sqlc.arg(metadata), sqlc.arg(message_id), sqlc.arg(is_unique), FALSE, sqlc.arg(embedding), sqlc.arg(embedding_space), sqlc.arg(created_at), sqlc.arg(updated_at))
ON CONFLICT DO NOTHING;

-- name: GetMemory :one
SELECT * FROM memories WHERE id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: GetMemoryForUpdate :one
-- Keeps others from changing the memory until the transaction ends.
SELECT * FROM memories WHERE id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id) FOR NO KEY UPDATE;

-- name: ListAgentMemories :many
-- Newest first. The time span includes both ends; an empty search_text finds all.
SELECT id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, created_at, updated_at,
       (CASE WHEN sqlc.arg(with_embedding)::boolean THEN embedding END)::bytea AS embedding
FROM memories
WHERE agent_id = sqlc.arg(agent_id) AND table_name = sqlc.arg(table_name) AND created_at >= sqlc.arg(from_time) AND created_at <= sqlc.arg(to_time)
  AND (sqlc.arg(search_text)::text = '' OR strpos(lower(content ->> 'text'), lower(sqlc.arg(search_text)::text)) > 0)
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: ListRoomMemories :many
-- The same for one room of the agent.
SELECT id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, created_at, updated_at,
       (CASE WHEN sqlc.arg(with_embedding)::boolean THEN embedding END)::bytea AS embedding
FROM memories
WHERE room_id = sqlc.arg(room_id) AND agent_id = sqlc.arg(agent_id) AND table_name = sqlc.arg(table_name) AND created_at >= sqlc.arg(from_time) AND created_at <= sqlc.arg(to_time)
  AND (sqlc.arg(search_text)::text = '' OR strpos(lower(content ->> 'text'), lower(sqlc.arg(search_text)::text)) > 0)
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: UpdateMemory :one
UPDATE memories
SET content = sqlc.arg(content), metadata = sqlc.arg(metadata), edited = sqlc.arg(edited), embedding = sqlc.arg(embedding), embedding_space = sqlc.arg(embedding_space), updated_at = sqlc.arg(updated_at)
WHERE id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id)
RETURNING *;

-- name: EditMessageMemories :exec
-- Lets all agents remember a message as its author has changed it.
UPDATE memories SET content = jsonb_set(content, '{text}', to_jsonb(sqlc.arg(content_text)::text)), edited = FALSE, updated_at = sqlc.arg(updated_at)
WHERE message_id = sqlc.arg(message_id);

-- name: DeleteMemory :execrows
DELETE FROM memories WHERE id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: DeleteAgentMemories :execrows
DELETE FROM memories WHERE agent_id = sqlc.arg(agent_id);

-- name: DeleteRoomMemories :execrows
-- With only_table, those of one kind.
DELETE FROM memories
WHERE room_id = sqlc.arg(room_id) AND agent_id = sqlc.arg(agent_id) AND (sqlc.arg(only_table)::text = '' OR table_name = sqlc.arg(only_table)::text);

-- name: ForgetMessage :exec
INSERT INTO forgotten_messages (message_id, agent_id) VALUES (sqlc.arg(message_id), sqlc.arg(agent_id))
ON CONFLICT (message_id, agent_id) DO NOTHING;

-- name: ForgetRoomMessages :exec
-- Makes an agent forget everything that was said in the channel of a room.
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
