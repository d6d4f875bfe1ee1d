-- name: EnsureWorld :execrows
INSERT INTO worlds (id, agent_id, name, message_server_id, metadata, created_at, updated_at)
VALUES (@id, @agent_id, @name, @message_server_id, @metadata, @created_at, @updated_at)
ON CONFLICT (id, agent_id) DO NOTHING;

-- name: EnsureServerWorld :execrows
-- A message server as an agent's world, under the server's name.
INSERT INTO worlds (id, agent_id, name, message_server_id, metadata, created_at, updated_at)
SELECT @id, @agent_id, s.name, s.id, NULL, @created_at, @updated_at FROM message_servers s WHERE s.id = @message_server_id
ON CONFLICT (id, agent_id) DO NOTHING;

-- name: GetWorld :one
SELECT * FROM worlds WHERE id = @id AND agent_id = @agent_id;

-- name: FindWorld :one
-- Whichever world has an id: the oldest, agents' own worlds last.
SELECT w.* FROM worlds w WHERE w.id = @id
ORDER BY w.id = w.agent_id, w.created_at, w.agent_id
LIMIT 1;

-- name: GetAgentWorld :one
-- What an agent knows under the id of a world: the one that it shares, or else its own.
SELECT w.* FROM worlds w
WHERE w.id = @id
  AND w.agent_id = COALESCE((SELECT a.owner_id FROM world_agents a WHERE a.world_id = @id AND a.agent_id = @agent_id), @agent_id);

-- name: GetAgentWorldForUpdate :one
-- Keeps others from changing the world until the transaction ends.
SELECT w.* FROM worlds w
WHERE w.id = @id
  AND w.agent_id = COALESCE((SELECT a.owner_id FROM world_agents a WHERE a.world_id = @id AND a.agent_id = @agent_id), @agent_id);

-- name: ListWorlds :many
SELECT sqlc.embed(w), a.name AS agent_name FROM worlds w JOIN agents a ON a.id = w.agent_id
ORDER BY w.created_at, w.id;

-- name: ListServerWorlds :many
-- The world of that id, and those that stand for the message server of that id; an agent's own world is neither.
SELECT * FROM worlds WHERE (id = @id OR message_server_id = @id) AND id <> agent_id;

-- name: UpdateWorld :one
UPDATE worlds SET name = @name, metadata = @metadata, updated_at = @updated_at
WHERE id = @id AND agent_id = @agent_id RETURNING *;

-- name: DeleteWorld :exec
DELETE FROM worlds WHERE id = @id AND agent_id = @agent_id;

-- name: AddWorldAgent :exec
INSERT INTO world_agents (world_id, agent_id, owner_id) VALUES (@world_id, @agent_id, @owner_id)
ON CONFLICT (world_id, agent_id) DO NOTHING;

-- name: ListWorldAgents :many
-- The agents that share worlds, beside those whose they are.
SELECT s.world_id, s.owner_id, a.id, a.name FROM world_agents s JOIN agents a ON a.id = s.agent_id
ORDER BY a.name, a.id;

-- name: CountAgentWorlds :one
SELECT count(*) FROM (SELECT 1 FROM worlds WHERE agent_id = @agent_id LIMIT @at_most);
