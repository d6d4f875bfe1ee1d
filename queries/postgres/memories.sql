-- name: GetMemoryForUpdate :one
-- scope: tenant
-- Keeps others from changing the memory until the transaction ends.
SELECT * FROM memories WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id) FOR NO KEY UPDATE;

-- name: ListAgentMemories :many
-- scope: tenant
-- Newest first. The time span includes both ends; an empty search_text finds all.
SELECT id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, created_at, updated_at,
       (CASE WHEN sqlc.arg(with_embedding)::boolean THEN embedding END)::bytea AS embedding
FROM memories
WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) AND table_name = sqlc.arg(table_name) AND created_at >= sqlc.arg(from_time) AND created_at <= sqlc.arg(to_time)
  AND (sqlc.arg(search_text)::text = '' OR strpos(lower(content ->> 'text'), lower(sqlc.arg(search_text)::text)) > 0)
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: ListRoomMemories :many
-- scope: tenant
-- The same for one room of the agent.
SELECT id, agent_id, entity_id, room_id, world_id, table_name, content, metadata, message_id, is_unique, created_at, updated_at,
       (CASE WHEN sqlc.arg(with_embedding)::boolean THEN embedding END)::bytea AS embedding
FROM memories
WHERE tenant = sqlc.arg(tenant) AND room_id = sqlc.arg(room_id) AND agent_id = sqlc.arg(agent_id) AND table_name = sqlc.arg(table_name) AND created_at >= sqlc.arg(from_time) AND created_at <= sqlc.arg(to_time)
  AND (sqlc.arg(search_text)::text = '' OR strpos(lower(content ->> 'text'), lower(sqlc.arg(search_text)::text)) > 0)
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: EditMessageMemories :exec
-- scope: tenant
-- Updates all agents' memories of a message that its author has edited.
UPDATE memories SET content = jsonb_set(content, '{text}', to_jsonb(sqlc.arg(content_text)::text)), edited = FALSE, updated_at = sqlc.arg(updated_at)
WHERE tenant = sqlc.arg(tenant) AND message_id = sqlc.arg(message_id);
