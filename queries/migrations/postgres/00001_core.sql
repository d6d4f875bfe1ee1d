-- +goose Up
-- The SQLite twin of this file must declare the same columns in the same order with the same nullability; the code
-- generator compares the two. Every *_at and lease_until column holds epoch milliseconds.

CREATE TABLE message_servers (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL,
    source_type text NOT NULL,
    source_id text,
    metadata jsonb NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX message_servers_source ON message_servers (source_type, source_id) WHERE source_id IS NOT NULL;

-- An agent's character is one document; its secrets are apart, each value sealed. "running" is what the owner asked for
-- and outlives the process: a running agent is started again.
CREATE TABLE agents (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL,
    character jsonb NOT NULL,
    secrets jsonb NOT NULL,
    enabled boolean NOT NULL,
    running boolean NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE TABLE message_server_agents (
    message_server_id uuid NOT NULL REFERENCES message_servers (id) ON DELETE CASCADE,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    PRIMARY KEY (message_server_id, agent_id)
);
CREATE INDEX message_server_agents_agent ON message_server_agents (agent_id);

-- last_seq counts the messages ever posted; every message takes the next number in the transaction that stores it.
-- pair_key is set on the DM of two entities ("<lower id>:<higher id>") and makes it unique.
CREATE TABLE channels (
    id uuid NOT NULL PRIMARY KEY,
    message_server_id uuid NOT NULL REFERENCES message_servers (id) ON DELETE CASCADE,
    name text NOT NULL,
    type text NOT NULL,
    source_type text,
    source_id text,
    topic text,
    metadata jsonb NOT NULL,
    turn_policy text NOT NULL,
    pair_key text,
    created_by uuid,
    last_seq bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX channels_pair ON channels (message_server_id, pair_key) WHERE pair_key IS NOT NULL;
CREATE INDEX channels_server ON channels (message_server_id, updated_at DESC);

CREATE TABLE channel_participants (
    channel_id uuid NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    entity_id uuid NOT NULL,
    state text NOT NULL,
    joined_at bigint NOT NULL,
    PRIMARY KEY (channel_id, entity_id)
);
CREATE INDEX channel_participants_entity ON channel_participants (entity_id, channel_id);

-- unhandled holds the reason why no agent was given the message; it is NULL for answered ones.
CREATE TABLE messages (
    id uuid NOT NULL PRIMARY KEY,
    channel_id uuid NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    seq bigint NOT NULL,
    author_id uuid NOT NULL,
    author_name text NOT NULL,
    content text NOT NULL,
    raw_message jsonb,
    in_reply_to uuid,
    source_type text NOT NULL,
    source_id text,
    metadata jsonb NOT NULL,
    unhandled text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX messages_seq ON messages (channel_id, seq);
CREATE INDEX messages_time ON messages (channel_id, created_at, seq);
CREATE INDEX messages_source ON messages (channel_id, source_id, created_at) WHERE source_id IS NOT NULL;

-- A turn is one agent's dealing with one message. The active turns of an (agent, channel) pair are its mailbox, worked in
-- the order of seq, which is the message's. A running turn is leased; when the lease passes, anybody may take it again.
-- Turns stay as history: a query for active ones repeats the condition of turns_active word by word, also where it is
-- implied, because that is what leads SQLite to the index.
CREATE TABLE turns (
    id uuid NOT NULL PRIMARY KEY,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    channel_id uuid NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    message_id uuid NOT NULL,
    sender_id uuid NOT NULL,
    seq bigint NOT NULL,
    response_id uuid NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    reply_id uuid,
    character_version bigint NOT NULL,
    attempts bigint NOT NULL,
    lease_owner text NOT NULL,
    lease_until bigint NOT NULL,
    queued_at bigint NOT NULL,
    started_at bigint,
    ended_at bigint
);
CREATE UNIQUE INDEX turns_message ON turns (message_id, agent_id);
CREATE INDEX turns_active ON turns (agent_id, channel_id, seq) WHERE status IN ('queued', 'running');
CREATE INDEX turns_agent ON turns (agent_id, queued_at DESC);
CREATE INDEX turns_channel ON turns (channel_id);

-- The log of a turn: what happened, in order, for people who ask why.
CREATE TABLE turn_events (
    turn_id uuid NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    position bigint NOT NULL,
    type text NOT NULL,
    at bigint NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (turn_id, position)
);

-- +goose Down
DROP TABLE turn_events;
DROP TABLE turns;
DROP TABLE messages;
DROP TABLE channel_participants;
DROP TABLE channels;
DROP TABLE message_server_agents;
DROP TABLE agents;
DROP TABLE message_servers;
