-- name: EnsureRoom :execrows
INSERT INTO rooms (id, agent_id, world_id, channel_id, message_server_id, name, type, source, metadata, created_at, updated_at)
VALUES (@id, @agent_id, @world_id, @channel_id, @message_server_id, @name, @type, @source, @metadata, @created_at, @updated_at)
ON CONFLICT (id) DO NOTHING;

-- name: RoomExists :one
SELECT CAST(count(*) AS BOOLEAN) FROM rooms WHERE id = @id;

-- name: GetRoom :one
SELECT sqlc.embed(r), c.name AS channel_name, w.name AS world_name
FROM rooms r LEFT JOIN channels c ON c.id = r.channel_id LEFT JOIN worlds w ON w.id = r.world_id
WHERE r.id = @id AND r.agent_id = @agent_id;

-- name: GetRoomForUpdate :one
-- Keeps others from changing the room until the transaction ends.
SELECT sqlc.embed(r), c.name AS channel_name, w.name AS world_name
FROM rooms r LEFT JOIN channels c ON c.id = r.channel_id LEFT JOIN worlds w ON w.id = r.world_id
WHERE r.id = @id AND r.agent_id = @agent_id;

-- name: ListAgentRooms :many
SELECT sqlc.embed(r), c.name AS channel_name, w.name AS world_name
FROM rooms r LEFT JOIN channels c ON c.id = r.channel_id LEFT JOIN worlds w ON w.id = r.world_id
WHERE r.agent_id = @agent_id
ORDER BY r.created_at, r.id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: ListWorldRooms :many
SELECT id, agent_id FROM rooms WHERE world_id = @world_id;

-- name: RenameRoom :execrows
UPDATE rooms SET name = @name, updated_at = @updated_at WHERE id = @id AND agent_id = @agent_id;

-- name: DeleteRoom :exec
DELETE FROM rooms WHERE id = @id AND agent_id = @agent_id;
