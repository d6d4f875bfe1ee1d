-- name: RoomExists :one
-- scope: tenant
SELECT (count(*) > 0)::boolean FROM rooms WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: GetRoomForUpdate :one
-- scope: tenant
-- Keeps others from changing the room until the transaction ends.
SELECT sqlc.embed(r), c.name AS channel_name, w.name AS world_name
FROM rooms r LEFT JOIN channels c ON c.id = r.channel_id
    LEFT JOIN world_agents s ON s.world_id = r.world_id AND s.agent_id = r.agent_id
    LEFT JOIN worlds w ON w.id = r.world_id AND w.agent_id = COALESCE(s.owner_id, r.agent_id)
WHERE r.tenant = sqlc.arg(tenant) AND r.id = sqlc.arg(id) AND r.agent_id = sqlc.arg(agent_id)
FOR NO KEY UPDATE OF r;

-- name: CountMadeRooms :one
-- scope: tenant
-- Rooms of an agent that have no channel.
SELECT count(*) FROM (SELECT 1 FROM rooms WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) AND channel_id IS NULL LIMIT sqlc.arg(at_most)::bigint) made;
