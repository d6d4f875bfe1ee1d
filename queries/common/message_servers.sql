-- name: EnsureMessageServer :exec
-- scope: tenant
INSERT INTO message_servers (tenant, id, name, source_type, source_id, metadata, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(name), sqlc.arg(source_type), sqlc.arg(source_id), sqlc.arg(metadata), sqlc.arg(created_at), sqlc.arg(updated_at))
ON CONFLICT (id) DO NOTHING;

-- name: InsertMessageServer :one
-- scope: tenant
INSERT INTO message_servers (tenant, id, name, source_type, source_id, metadata, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(name), sqlc.arg(source_type), sqlc.arg(source_id), sqlc.arg(metadata), sqlc.arg(created_at), sqlc.arg(updated_at))
RETURNING *;

-- name: GetMessageServer :one
-- scope: tenant
SELECT * FROM message_servers WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: ListMessageServers :many
-- scope: tenant
SELECT * FROM message_servers WHERE tenant = sqlc.arg(tenant) ORDER BY created_at, id;

-- name: AddServerAgent :execrows
-- scope: tenant
INSERT INTO message_server_agents (tenant, message_server_id, agent_id) VALUES (sqlc.arg(tenant), sqlc.arg(message_server_id), sqlc.arg(agent_id))
ON CONFLICT (message_server_id, agent_id) DO NOTHING;

-- name: RemoveServerAgent :execrows
-- scope: tenant
DELETE FROM message_server_agents WHERE tenant = sqlc.arg(tenant) AND message_server_id = sqlc.arg(message_server_id) AND agent_id = sqlc.arg(agent_id);

-- name: ListServerAgents :many
-- scope: tenant
SELECT agent_id FROM message_server_agents WHERE tenant = sqlc.arg(tenant) AND message_server_id = sqlc.arg(message_server_id) ORDER BY agent_id;

-- name: ListAgentServers :many
-- scope: tenant
SELECT message_server_id FROM message_server_agents WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) ORDER BY message_server_id;

-- name: DeleteMessageServer :execrows
-- scope: tenant
DELETE FROM message_servers WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: CountMessageServers :one
-- scope: tenant
SELECT count(*) FROM message_servers WHERE tenant = sqlc.arg(tenant);
