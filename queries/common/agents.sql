-- name: InsertAgent :one
-- scope: tenant
INSERT INTO agents (tenant, id, name, character, secrets, enabled, running, version, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(name), sqlc.arg(character), sqlc.arg(secrets), sqlc.arg(enabled), sqlc.arg(running), 1, sqlc.arg(created_at), sqlc.arg(updated_at))
RETURNING *;

-- name: GetAgent :one
-- scope: tenant
SELECT * FROM agents WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: GetAgentHead :one
-- scope: tenant
-- An agent without its character; the version identifies that.
SELECT name, running, version FROM agents WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: CountAgents :one
-- scope: tenant
SELECT count(*) FROM agents WHERE tenant = sqlc.arg(tenant);

-- name: CountRunningAgents :one
-- scope: tenant
SELECT count(*) FROM agents WHERE tenant = sqlc.arg(tenant) AND running;

-- name: UpdateAgent :one
-- scope: tenant
-- Finds no row when the agent was changed since version was read.
UPDATE agents
SET name = sqlc.arg(name), character = sqlc.arg(character), secrets = sqlc.arg(secrets), enabled = sqlc.arg(enabled), version = version + 1, updated_at = sqlc.arg(updated_at)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND version = sqlc.arg(version)
RETURNING *;

-- name: SetAgentRunning :one
-- scope: tenant
UPDATE agents SET running = sqlc.arg(running) WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) RETURNING *;

-- name: DeleteAgent :execrows
-- scope: tenant
DELETE FROM agents WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: GetFirstRunningAgent :one
-- scope: tenant
-- The oldest agent that runs and serves a message server.
SELECT a.id FROM agents a
JOIN message_server_agents m ON m.agent_id = a.id
WHERE a.tenant = sqlc.arg(tenant) AND m.tenant = sqlc.arg(tenant) AND m.message_server_id = sqlc.arg(message_server_id) AND a.running
ORDER BY a.created_at, a.id
LIMIT 1;

-- name: ListAgentsToConceal :many
-- scope: system
SELECT agent_id FROM agents_to_conceal WHERE tenant = sqlc.arg(tenant) AND agent_id > sqlc.arg(after) ORDER BY agent_id LIMIT CAST(sqlc.arg(page_size) AS bigint);

-- name: ConcealAgent :execrows
-- scope: system
-- Changes how an agent is stored, not the agent itself.
UPDATE agents SET character = sqlc.arg(character), secrets = sqlc.arg(secrets) WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND version = sqlc.arg(version);

-- name: AgentConcealed :exec
-- scope: system
DELETE FROM agents_to_conceal WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id);
