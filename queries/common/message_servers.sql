-- name: EnsureMessageServer :exec
INSERT INTO message_servers (id, name, source_type, source_id, metadata, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(source_type), sqlc.arg(source_id), sqlc.arg(metadata), sqlc.arg(created_at), sqlc.arg(updated_at))
ON CONFLICT (id) DO NOTHING;

-- name: InsertMessageServer :one
INSERT INTO message_servers (id, name, source_type, source_id, metadata, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(source_type), sqlc.arg(source_id), sqlc.arg(metadata), sqlc.arg(created_at), sqlc.arg(updated_at))
RETURNING *;

-- name: GetMessageServer :one
SELECT * FROM message_servers WHERE id = sqlc.arg(id);

-- name: ListMessageServers :many
SELECT * FROM message_servers ORDER BY created_at, id;

-- name: AddServerAgent :execrows
INSERT INTO message_server_agents (message_server_id, agent_id) VALUES (sqlc.arg(message_server_id), sqlc.arg(agent_id))
ON CONFLICT (message_server_id, agent_id) DO NOTHING;

-- name: RemoveServerAgent :execrows
DELETE FROM message_server_agents WHERE message_server_id = sqlc.arg(message_server_id) AND agent_id = sqlc.arg(agent_id);

-- name: ListServerAgents :many
SELECT agent_id FROM message_server_agents WHERE message_server_id = sqlc.arg(message_server_id) ORDER BY agent_id;

-- name: ListAgentServers :many
SELECT message_server_id FROM message_server_agents WHERE agent_id = sqlc.arg(agent_id) ORDER BY message_server_id;

-- name: DeleteMessageServer :execrows
DELETE FROM message_servers WHERE id = sqlc.arg(id);

-- name: CountMessageServers :one
SELECT count(*) FROM message_servers;
