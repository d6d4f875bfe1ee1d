-- name: InsertMemory :execrows
-- Does nothing where the memory exists, or the agent has one of that message.
INSERT INTO memories (id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, edited, embedding, embedding_space, created_at, updated_at)
VALUES (@id, @agent_id, @entity_id, @room_id, @world_id, @table_name, @content, @metadata, @message_id, @is_unique, FALSE, @embedding, @embedding_space, @created_at, @updated_at)
ON CONFLICT DO NOTHING;

-- name: GetMemory :one
SELECT * FROM memories WHERE id = @id AND agent_id = @agent_id;

-- name: GetMemoryForUpdate :one
-- Keeps others from changing the memory until the transaction ends.
SELECT * FROM memories WHERE id = @id AND agent_id = @agent_id;

-- name: ListAgentMemories :many
-- Newest first. The time span includes both ends; an empty search_text finds all.
SELECT id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, created_at, updated_at,
       CAST(CASE WHEN CAST(@with_embedding AS BOOLEAN) THEN embedding END AS BLOB) AS embedding
FROM memories
WHERE agent_id = @agent_id AND table_name = @table_name AND created_at >= @from_time AND created_at <= @to_time
  AND (CAST(@search_text AS TEXT) = '' OR instr(lower(coalesce(json_extract(content, '$.text'), '')), lower(CAST(@search_text AS TEXT))) > 0)
ORDER BY created_at DESC, id DESC
LIMIT @limit_rows OFFSET @offset_rows;

-- name: ListRoomMemories :many
-- The same for one room of the agent.
SELECT id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, created_at, updated_at,
       CAST(CASE WHEN CAST(@with_embedding AS BOOLEAN) THEN embedding END AS BLOB) AS embedding
FROM memories
WHERE room_id = @room_id AND agent_id = @agent_id AND table_name = @table_name AND created_at >= @from_time AND created_at <= @to_time
  AND (CAST(@search_text AS TEXT) = '' OR instr(lower(coalesce(json_extract(content, '$.text'), '')), lower(CAST(@search_text AS TEXT))) > 0)
ORDER BY created_at DESC, id DESC
LIMIT @limit_rows OFFSET @offset_rows;

-- name: UpdateMemory :one
UPDATE memories
SET content = @content, metadata = @metadata, edited = @edited, embedding = @embedding, embedding_space = @embedding_space, updated_at = @updated_at
WHERE id = @id AND agent_id = @agent_id
RETURNING *;

-- name: EditMessageMemories :exec
-- Lets all agents remember a message as its author has changed it.
UPDATE memories SET content = json_set(content, '$.text', CAST(@content_text AS TEXT)), edited = FALSE, updated_at = @updated_at
WHERE message_id = @message_id;

-- name: DeleteMemory :execrows
DELETE FROM memories WHERE id = @id AND agent_id = @agent_id;

-- name: DeleteAgentMemories :execrows
DELETE FROM memories WHERE agent_id = @agent_id;

-- name: DeleteRoomMemories :execrows
-- With only_table, those of one kind.
DELETE FROM memories
WHERE room_id = @room_id AND agent_id = @agent_id AND (CAST(@only_table AS TEXT) = '' OR table_name = CAST(@only_table AS TEXT));

-- name: ForgetMessage :exec
INSERT INTO forgotten_messages (message_id, agent_id) VALUES (@message_id, @agent_id)
ON CONFLICT (message_id, agent_id) DO NOTHING;

-- name: ForgetRoomMessages :exec
-- Makes an agent forget everything that was said in the channel of a room.
INSERT INTO forgotten_messages (message_id, agent_id)
SELECT m.id, r.agent_id FROM rooms r JOIN messages m ON m.channel_id = r.channel_id
WHERE r.id = @room_id AND r.agent_id = @agent_id
ON CONFLICT (message_id, agent_id) DO NOTHING;

-- name: ForgetAgentMessages :exec
-- The same for all rooms of the agent.
INSERT INTO forgotten_messages (message_id, agent_id)
SELECT m.id, r.agent_id FROM rooms r JOIN messages m ON m.channel_id = r.channel_id
WHERE r.agent_id = @agent_id
ON CONFLICT (message_id, agent_id) DO NOTHING;
