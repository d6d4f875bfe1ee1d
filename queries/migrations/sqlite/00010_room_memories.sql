-- +goose Up
-- Agents may have rooms of one id, so what one of them remembers in a room is found by both.
DROP INDEX memories_room;
CREATE INDEX memories_room ON memories (room_id, agent_id, table_name, created_at, id);

-- +goose Down
DROP INDEX memories_room;
CREATE INDEX memories_room ON memories (room_id, table_name, created_at, id);
