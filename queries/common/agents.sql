-- name: InsertAgent :one
INSERT INTO agents (id, name, character, secrets, enabled, running, version, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(character), sqlc.arg(secrets), sqlc.arg(enabled), sqlc.arg(running), 1, sqlc.arg(created_at), sqlc.arg(updated_at))
RETURNING *;

-- name: GetAgent :one
SELECT * FROM agents WHERE id = sqlc.arg(id);

-- name: GetAgentHead :one
-- An agent without its character; the version identifies that.
SELECT name, running, version FROM agents WHERE id = sqlc.arg(id);

-- name: CountAgents :one
SELECT count(*) FROM agents;

-- name: CountRunningAgents :one
SELECT count(*) FROM agents WHERE running;

-- name: UpdateAgent :one
-- Finds no row when the agent was changed since version was read.
UPDATE agents
SET name = sqlc.arg(name), character = sqlc.arg(character), secrets = sqlc.arg(secrets), enabled = sqlc.arg(enabled), version = version + 1, updated_at = sqlc.arg(updated_at)
WHERE id = sqlc.arg(id) AND version = sqlc.arg(version)
RETURNING *;

-- name: SetAgentRunning :one
UPDATE agents SET running = sqlc.arg(running) WHERE id = sqlc.arg(id) RETURNING *;

-- name: DeleteAgent :execrows
DELETE FROM agents WHERE id = sqlc.arg(id);

-- name: GetFirstRunningAgent :one
-- The oldest agent that runs and serves a message server.
SELECT a.id FROM agents a
JOIN message_server_agents m ON m.agent_id = a.id
WHERE m.message_server_id = sqlc.arg(message_server_id) AND a.running
ORDER BY a.created_at, a.id
LIMIT 1;

-- name: ListAgentsToConceal :many
SELECT agent_id FROM agents_to_conceal WHERE agent_id > sqlc.arg(after) ORDER BY agent_id LIMIT CAST(sqlc.arg(page_size) AS bigint);

-- name: ConcealAgent :execrows
-- Changes how an agent is stored, not the agent itself.
UPDATE agents SET character = sqlc.arg(character), secrets = sqlc.arg(secrets) WHERE id = sqlc.arg(id) AND version = sqlc.arg(version);

-- name: AgentConcealed :exec
DELETE FROM agents_to_conceal WHERE agent_id = sqlc.arg(agent_id);
