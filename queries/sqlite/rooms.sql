-- name: RoomExists :one
-- scope: tenant
SELECT CAST(count(*) AS BOOLEAN) FROM rooms WHERE tenant = @tenant AND id = @id AND agent_id = @agent_id;

-- name: GetRoomForUpdate :one
-- scope: tenant
-- Keeps others from changing the room until the transaction ends.
SELECT sqlc.embed(r), c.name AS channel_name, w.name AS world_name
FROM rooms r LEFT JOIN channels c ON c.id = r.channel_id
    LEFT JOIN world_agents s ON s.world_id = r.world_id AND s.agent_id = r.agent_id
    LEFT JOIN worlds w ON w.id = r.world_id AND w.agent_id = COALESCE(s.owner_id, r.agent_id)
WHERE r.tenant = @tenant AND r.id = @id AND r.agent_id = @agent_id;

-- name: CountMadeRooms :one
-- scope: tenant
-- Rooms of an agent that have no channel.
SELECT count(*) FROM (SELECT 1 FROM rooms WHERE tenant = @tenant AND agent_id = @agent_id AND channel_id IS NULL LIMIT @at_most);
