-- +goose Up
-- What agents remember, and where. An agent knows a message server as a world and a channel as a room, under ids derived from
-- its own; clients may make further ones. An agent's own world and room have the agent's id.

CREATE TABLE worlds (
    id uuid NOT NULL PRIMARY KEY,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    name text NOT NULL,
    message_server_id uuid,
    metadata jsonb,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE INDEX worlds_agent ON worlds (agent_id);
CREATE INDEX worlds_server ON worlds (message_server_id) WHERE message_server_id IS NOT NULL;

-- The agents that share a world, beside the one whose it is.
CREATE TABLE world_agents (
    world_id uuid NOT NULL REFERENCES worlds (id) ON DELETE CASCADE,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    PRIMARY KEY (world_id, agent_id)
);
CREATE INDEX world_agents_agent ON world_agents (agent_id);

-- A room without a name has that of its channel. world_id is no foreign key: a room outlives its world unless both are
-- deleted, and a turn that ends meanwhile must not fail because of it.
CREATE TABLE rooms (
    id uuid NOT NULL PRIMARY KEY,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    world_id uuid,
    channel_id uuid REFERENCES channels (id) ON DELETE CASCADE,
    message_server_id uuid,
    name text,
    type text NOT NULL,
    source text NOT NULL,
    metadata jsonb,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE INDEX rooms_agent ON rooms (agent_id, created_at, id);
CREATE INDEX rooms_channel ON rooms (channel_id) WHERE channel_id IS NOT NULL;
CREATE INDEX rooms_world ON rooms (world_id) WHERE world_id IS NOT NULL;

-- message_id is the central message that a memory stems from; with the message goes the memory. An edited one says something
-- else than its message, and that is what its agent sees. embedding holds 32-bit floats, little-endian, of the space that
-- embedding_space names.
CREATE TABLE memories (
    id uuid NOT NULL PRIMARY KEY,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    entity_id uuid NOT NULL,
    room_id uuid NOT NULL,
    world_id uuid,
    table_name text NOT NULL,
    content jsonb NOT NULL,
    metadata jsonb NOT NULL,
    message_id uuid REFERENCES messages (id) ON DELETE CASCADE,
    is_unique boolean NOT NULL,
    edited boolean NOT NULL,
    embedding bytea,
    embedding_space text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX memories_message ON memories (message_id, agent_id) WHERE message_id IS NOT NULL;
CREATE INDEX memories_agent ON memories (agent_id, table_name, created_at, id);
CREATE INDEX memories_room ON memories (room_id, table_name, created_at, id);

-- The messages that an agent was made to forget: it no longer sees them, though they are still in their channel.
CREATE TABLE forgotten_messages (
    message_id uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    PRIMARY KEY (message_id, agent_id)
);
CREATE INDEX forgotten_messages_agent ON forgotten_messages (agent_id);

INSERT INTO worlds (id, agent_id, name, message_server_id, metadata, created_at, updated_at)
SELECT id, id, name || '''s World', id, NULL, created_at, created_at FROM agents;
INSERT INTO rooms (id, agent_id, world_id, channel_id, message_server_id, name, type, source, metadata, created_at, updated_at)
SELECT id, id, id, NULL, id, name, 'SELF', 'elizaos', NULL, created_at, created_at FROM agents;

-- The log of an agent is read newest first, so its entries know the agent.
ALTER TABLE turn_events ADD COLUMN agent_id uuid;
UPDATE turn_events e SET agent_id = t.agent_id FROM turns t WHERE t.id = e.turn_id;
ALTER TABLE turn_events ALTER COLUMN agent_id SET NOT NULL;
CREATE INDEX turn_events_agent ON turn_events (agent_id, at);

-- The turns of an agent in a channel, for the log of one room.
DROP INDEX turns_channel;
CREATE INDEX turns_channel ON turns (channel_id, agent_id, queued_at);

-- +goose Down
DROP INDEX turns_channel;
CREATE INDEX turns_channel ON turns (channel_id);
ALTER TABLE turn_events DROP COLUMN agent_id;
DROP TABLE forgotten_messages;
DROP TABLE memories;
DROP TABLE rooms;
DROP TABLE world_agents;
DROP TABLE worlds;
