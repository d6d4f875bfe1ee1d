-- name: InsertAgent :one
INSERT INTO agents (id, name, character, secrets, enabled, running, version, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(character), sqlc.arg(secrets), sqlc.arg(enabled), sqlc.arg(running), 1, sqlc.arg(created_at), sqlc.arg(updated_at))
RETURNING *;

-- name: GetAgent :one
SELECT * FROM agents WHERE id = sqlc.arg(id);

-- name: GetAgentForUpdate :one
-- Keeps others from changing the agent until the transaction ends.
SELECT * FROM agents WHERE id = sqlc.arg(id) FOR NO KEY UPDATE;

-- name: ListAgents :many
SELECT * FROM agents ORDER BY name COLLATE "C", id;

-- name: ListAgentHeads :many
-- All agents without what they are made of, which a version stands for.
SELECT id, name, enabled, running, version, created_at, updated_at FROM agents ORDER BY name COLLATE "C", id;

-- name: CountAgents :one
SELECT count(*) FROM agents;

-- name: UpdateAgent :one
-- Fails to find the row when somebody else changed it since version was read.
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
