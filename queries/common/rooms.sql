-- name: EnsureRoom :execrows
-- scope: tenant
INSERT INTO rooms (tenant, id, agent_id, world_id, channel_id, message_server_id, name, type, source, metadata, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(world_id), sqlc.arg(channel_id), sqlc.arg(message_server_id), sqlc.arg(name), sqlc.arg(type), sqlc.arg(source), sqlc.arg(metadata), sqlc.arg(created_at), sqlc.arg(updated_at))
ON CONFLICT (id, agent_id) DO NOTHING;

-- name: GetRoom :one
-- scope: tenant
SELECT sqlc.embed(r), c.name AS channel_name, w.name AS world_name
FROM rooms r LEFT JOIN channels c ON c.id = r.channel_id
    LEFT JOIN world_agents s ON s.world_id = r.world_id AND s.agent_id = r.agent_id
    LEFT JOIN worlds w ON w.id = r.world_id AND w.agent_id = COALESCE(s.owner_id, r.agent_id)
WHERE r.tenant = sqlc.arg(tenant) AND r.id = sqlc.arg(id) AND r.agent_id = sqlc.arg(agent_id);

-- name: ListAgentRooms :many
-- scope: tenant
SELECT sqlc.embed(r), c.name AS channel_name, w.name AS world_name
FROM rooms r LEFT JOIN channels c ON c.id = r.channel_id
    LEFT JOIN world_agents s ON s.world_id = r.world_id AND s.agent_id = r.agent_id
    LEFT JOIN worlds w ON w.id = r.world_id AND w.agent_id = COALESCE(s.owner_id, r.agent_id)
WHERE r.tenant = sqlc.arg(tenant) AND r.agent_id = sqlc.arg(agent_id)
ORDER BY r.created_at, r.id
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: ListWorldRooms :many
-- scope: tenant
-- The rooms in a world, those of its owner and of the agents that share it.
SELECT r.id, r.agent_id FROM rooms r
WHERE r.tenant = sqlc.arg(tenant) AND r.world_id = sqlc.arg(world_id)
  AND (r.agent_id = sqlc.arg(owner_id) OR EXISTS (SELECT 1 FROM world_agents s WHERE s.world_id = r.world_id AND s.agent_id = r.agent_id AND s.owner_id = sqlc.arg(owner_id)));

-- name: RenameRoom :execrows
-- scope: tenant
UPDATE rooms SET name = sqlc.arg(name), updated_at = sqlc.arg(updated_at) WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: DeleteRoom :exec
-- scope: tenant
DELETE FROM rooms WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);
