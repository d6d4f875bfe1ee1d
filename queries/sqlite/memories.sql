-- name: GetMemoryForUpdate :one
-- scope: tenant
-- Keeps others from changing the memory until the transaction ends.
SELECT * FROM memories WHERE tenant = @tenant AND id = @id AND agent_id = @agent_id;

-- name: ListAgentMemories :many
-- scope: tenant
-- Newest first. The time span includes both ends; an empty search_text finds all.
SELECT id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, created_at, updated_at,
       CAST(CASE WHEN CAST(@with_embedding AS BOOLEAN) THEN embedding END AS BLOB) AS embedding
FROM memories
WHERE tenant = @tenant AND agent_id = @agent_id AND table_name = @table_name AND created_at >= @from_time AND created_at <= @to_time
  AND (CAST(@search_text AS TEXT) = '' OR instr(lower(coalesce(json_extract(content, '$.text'), '')), lower(CAST(@search_text AS TEXT))) > 0)
ORDER BY created_at DESC, id DESC
LIMIT @limit_rows OFFSET @offset_rows;

-- name: ListRoomMemories :many
-- scope: tenant
-- The same for one room of the agent.
SELECT id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, created_at, updated_at,
       CAST(CASE WHEN CAST(@with_embedding AS BOOLEAN) THEN embedding END AS BLOB) AS embedding
FROM memories
WHERE tenant = @tenant AND room_id = @room_id AND agent_id = @agent_id AND table_name = @table_name AND created_at >= @from_time AND created_at <= @to_time
  AND (CAST(@search_text AS TEXT) = '' OR instr(lower(coalesce(json_extract(content, '$.text'), '')), lower(CAST(@search_text AS TEXT))) > 0)
ORDER BY created_at DESC, id DESC
LIMIT @limit_rows OFFSET @offset_rows;

-- name: EditMessageMemories :exec
-- scope: tenant
-- Updates all agents' memories of a message that its author has edited.
UPDATE memories SET content = json_set(content, '$.text', CAST(@content_text AS TEXT)), edited = FALSE, updated_at = @updated_at
WHERE tenant = @tenant AND message_id = @message_id;
