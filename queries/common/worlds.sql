-- name: EnsureWorld :execrows
-- scope: tenant
INSERT INTO worlds (tenant, id, agent_id, name, message_server_id, metadata, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(name), sqlc.arg(message_server_id), sqlc.arg(metadata), sqlc.arg(created_at), sqlc.arg(updated_at))
ON CONFLICT (id, agent_id) DO NOTHING;

-- name: EnsureServerWorld :execrows
-- scope: tenant
-- A message server as an agent's world, under the server's name.
INSERT INTO worlds (tenant, id, agent_id, name, message_server_id, metadata, created_at, updated_at)
SELECT s.tenant, sqlc.arg(id), sqlc.arg(agent_id), s.name, s.id, NULL, sqlc.arg(created_at), sqlc.arg(updated_at) FROM message_servers s WHERE s.tenant = sqlc.arg(tenant) AND s.id = sqlc.arg(message_server_id)
ON CONFLICT (id, agent_id) DO NOTHING;

-- name: GetWorld :one
-- scope: tenant
SELECT * FROM worlds WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: FindWorld :one
-- scope: tenant
-- A world by its id: the oldest one, agents' own worlds last.
SELECT w.* FROM worlds w WHERE w.tenant = sqlc.arg(tenant) AND w.id = sqlc.arg(id)
ORDER BY w.id = w.agent_id, w.created_at, w.agent_id
LIMIT 1;

-- name: GetAgentWorld :one
-- scope: tenant
-- An agent's world by its id: the one that it shares, or else its own.
SELECT w.* FROM worlds w
WHERE w.tenant = sqlc.arg(tenant) AND w.id = sqlc.arg(id)
  AND w.agent_id = COALESCE((SELECT a.owner_id FROM world_agents a WHERE a.world_id = sqlc.arg(id) AND a.agent_id = sqlc.arg(agent_id)), sqlc.arg(agent_id));

-- name: ListWorlds :many
-- scope: tenant
SELECT sqlc.embed(w), a.name AS agent_name FROM worlds w JOIN agents a ON a.id = w.agent_id
WHERE w.tenant = sqlc.arg(tenant)
ORDER BY w.created_at, w.id;

-- name: ListServerWorlds :many
-- scope: tenant
-- The world with that id, and those of the message server with that id; an agent's own world is neither.
SELECT * FROM worlds WHERE tenant = sqlc.arg(tenant) AND (id = sqlc.arg(id) OR message_server_id = sqlc.arg(id)) AND id <> agent_id;

-- name: UpdateWorld :one
-- scope: tenant
UPDATE worlds SET name = sqlc.arg(name), metadata = sqlc.arg(metadata), updated_at = sqlc.arg(updated_at)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id) RETURNING *;

-- name: DeleteWorld :exec
-- scope: tenant
DELETE FROM worlds WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: AddWorldAgent :exec
-- scope: tenant
INSERT INTO world_agents (tenant, world_id, agent_id, owner_id) VALUES (sqlc.arg(tenant), sqlc.arg(world_id), sqlc.arg(agent_id), sqlc.arg(owner_id))
ON CONFLICT (world_id, agent_id) DO NOTHING;

-- name: ListWorldAgents :many
-- scope: tenant
-- The agents that share worlds, besides their owners.
SELECT s.world_id, s.owner_id, a.id, a.name FROM world_agents s JOIN agents a ON a.id = s.agent_id
WHERE s.tenant = sqlc.arg(tenant)
ORDER BY a.name, a.id;
