-- +goose Up
-- Agents name their worlds and rooms by ids that anybody can compute, so two may use the same: each has its own under it. An
-- agent shares at most one world of an id, that of owner_id.
CREATE TABLE worlds_next (
    id UUID_TEXT NOT NULL,
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    message_server_id UUID_TEXT,
    metadata JSON_TEXT,
    created_at MILLIS_INT NOT NULL,
    updated_at MILLIS_INT NOT NULL,
    PRIMARY KEY (id, agent_id)
);
INSERT INTO worlds_next SELECT id, agent_id, name, message_server_id, metadata, created_at, updated_at FROM worlds;
CREATE TABLE world_agents_next (
    world_id UUID_TEXT NOT NULL,
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    owner_id UUID_TEXT NOT NULL,
    PRIMARY KEY (world_id, agent_id),
    FOREIGN KEY (world_id, owner_id) REFERENCES worlds_next (id, agent_id) ON DELETE CASCADE
);
INSERT INTO world_agents_next SELECT s.world_id, s.agent_id, w.agent_id FROM world_agents s JOIN worlds w ON w.id = s.world_id;
DROP TABLE world_agents;
DROP TABLE worlds;
ALTER TABLE worlds_next RENAME TO worlds;
ALTER TABLE world_agents_next RENAME TO world_agents;
CREATE INDEX worlds_agent ON worlds (agent_id);
CREATE INDEX worlds_server ON worlds (message_server_id) WHERE message_server_id IS NOT NULL;
CREATE INDEX world_agents_agent ON world_agents (agent_id);
CREATE INDEX world_agents_owner ON world_agents (world_id, owner_id);

CREATE TABLE rooms_next (
    id UUID_TEXT NOT NULL,
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    world_id UUID_TEXT,
    channel_id UUID_TEXT REFERENCES channels (id) ON DELETE CASCADE,
    message_server_id UUID_TEXT,
    name TEXT,
    type TEXT NOT NULL,
    source TEXT NOT NULL,
    metadata JSON_TEXT,
    created_at MILLIS_INT NOT NULL,
    updated_at MILLIS_INT NOT NULL,
    PRIMARY KEY (id, agent_id)
);
INSERT INTO rooms_next
SELECT id, agent_id, world_id, channel_id, message_server_id, name, type, source, metadata, created_at, updated_at FROM rooms;
DROP TABLE rooms;
ALTER TABLE rooms_next RENAME TO rooms;
CREATE INDEX rooms_agent ON rooms (agent_id, created_at, id);
CREATE INDEX rooms_channel ON rooms (channel_id) WHERE channel_id IS NOT NULL;
CREATE INDEX rooms_world ON rooms (world_id) WHERE world_id IS NOT NULL;

-- Agents that were deleted. They still take part in channels, and may be made anew under their ids.
CREATE TABLE former_agents (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    deleted_at MILLIS_INT NOT NULL
);
INSERT INTO former_agents (id, deleted_at)
SELECT m.author_id, max(m.created_at) FROM messages m
WHERE m.source_type = 'agent_response' AND NOT EXISTS (SELECT 1 FROM agents a WHERE a.id = m.author_id)
GROUP BY m.author_id;

-- How many agents run is asked at every health check.
CREATE INDEX agents_running ON agents (id) WHERE running;

-- +goose Down
DROP INDEX agents_running;
DROP TABLE former_agents;
CREATE TABLE rooms_before (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    world_id UUID_TEXT,
    channel_id UUID_TEXT REFERENCES channels (id) ON DELETE CASCADE,
    message_server_id UUID_TEXT,
    name TEXT,
    type TEXT NOT NULL,
    source TEXT NOT NULL,
    metadata JSON_TEXT,
    created_at MILLIS_INT NOT NULL,
    updated_at MILLIS_INT NOT NULL
);
INSERT OR IGNORE INTO rooms_before
SELECT id, agent_id, world_id, channel_id, message_server_id, name, type, source, metadata, created_at, updated_at FROM rooms
ORDER BY created_at;
DROP TABLE rooms;
ALTER TABLE rooms_before RENAME TO rooms;
CREATE INDEX rooms_agent ON rooms (agent_id, created_at, id);
CREATE INDEX rooms_channel ON rooms (channel_id) WHERE channel_id IS NOT NULL;
CREATE INDEX rooms_world ON rooms (world_id) WHERE world_id IS NOT NULL;
CREATE TABLE worlds_before (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    message_server_id UUID_TEXT,
    metadata JSON_TEXT,
    created_at MILLIS_INT NOT NULL,
    updated_at MILLIS_INT NOT NULL
);
INSERT OR IGNORE INTO worlds_before SELECT id, agent_id, name, message_server_id, metadata, created_at, updated_at FROM worlds ORDER BY created_at;
CREATE TABLE world_agents_before (
    world_id UUID_TEXT NOT NULL REFERENCES worlds_before (id) ON DELETE CASCADE,
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    PRIMARY KEY (world_id, agent_id)
);
INSERT INTO world_agents_before SELECT world_id, agent_id FROM world_agents;
DROP TABLE world_agents;
DROP TABLE worlds;
ALTER TABLE worlds_before RENAME TO worlds;
ALTER TABLE world_agents_before RENAME TO world_agents;
CREATE INDEX worlds_agent ON worlds (agent_id);
CREATE INDEX worlds_server ON worlds (message_server_id) WHERE message_server_id IS NOT NULL;
CREATE INDEX world_agents_agent ON world_agents (agent_id);
