-- name: InsertAgent :one
INSERT INTO agents (id, name, character, secrets, enabled, running, version, created_at, updated_at)
VALUES (@id, @name, @character, @secrets, @enabled, @running, 1, @created_at, @updated_at)
RETURNING *;

-- name: GetAgent :one
SELECT * FROM agents WHERE id = @id;

-- name: GetAgentForUpdate :one
-- Keeps others from changing the agent until the transaction ends.
SELECT * FROM agents WHERE id = @id;

-- name: ListAgents :many
SELECT * FROM agents ORDER BY name, id;

-- name: ListAgentHeads :many
-- All agents without what they are made of, which a version stands for.
SELECT id, name, enabled, running, version, created_at, updated_at FROM agents ORDER BY name, id;

-- name: CountAgents :one
SELECT count(*) FROM agents;

-- name: UpdateAgent :one
-- Fails to find the row when somebody else changed it since version was read.
UPDATE agents
SET name = @name, character = @character, secrets = @secrets, enabled = @enabled, version = version + 1, updated_at = @updated_at
WHERE id = @id AND version = @version
RETURNING *;

-- name: SetAgentRunning :one
UPDATE agents SET running = @running WHERE id = @id RETURNING *;

-- name: DeleteAgent :execrows
DELETE FROM agents WHERE id = @id;

-- name: GetFirstRunningAgent :one
-- The oldest agent that runs and serves a message server.
SELECT a.id FROM agents a
JOIN message_server_agents m ON m.agent_id = a.id
WHERE m.message_server_id = @message_server_id AND a.running
ORDER BY a.created_at, a.id
LIMIT 1;
