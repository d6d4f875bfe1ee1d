-- The schema of the first release, as its migration left it. Never edited: databases like this one exist.

CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);

CREATE TABLE message_servers (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source_id TEXT,
    metadata JSON_TEXT NOT NULL,
    created_at MILLIS_INT NOT NULL,
    updated_at MILLIS_INT NOT NULL
);
CREATE UNIQUE INDEX message_servers_source ON message_servers (source_type, source_id) WHERE source_id IS NOT NULL;

CREATE TABLE agents (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    character JSON_TEXT NOT NULL,
    secrets JSON_TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    running BOOLEAN NOT NULL,
    version INTEGER NOT NULL,
    created_at MILLIS_INT NOT NULL,
    updated_at MILLIS_INT NOT NULL
);

CREATE TABLE message_server_agents (
    message_server_id UUID_TEXT NOT NULL REFERENCES message_servers (id) ON DELETE CASCADE,
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    PRIMARY KEY (message_server_id, agent_id)
);
CREATE INDEX message_server_agents_agent ON message_server_agents (agent_id);

CREATE TABLE channels (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    message_server_id UUID_TEXT NOT NULL REFERENCES message_servers (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    source_type TEXT,
    source_id TEXT,
    topic TEXT,
    metadata JSON_TEXT NOT NULL,
    turn_policy TEXT NOT NULL,
    pair_key TEXT,
    created_by UUID_TEXT,
    last_seq INTEGER NOT NULL,
    created_at MILLIS_INT NOT NULL,
    updated_at MILLIS_INT NOT NULL
);
CREATE UNIQUE INDEX channels_pair ON channels (message_server_id, pair_key) WHERE pair_key IS NOT NULL;
CREATE INDEX channels_server ON channels (message_server_id, updated_at DESC);

CREATE TABLE channel_participants (
    channel_id UUID_TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    entity_id UUID_TEXT NOT NULL,
    state TEXT NOT NULL,
    joined_at MILLIS_INT NOT NULL,
    PRIMARY KEY (channel_id, entity_id)
);
CREATE INDEX channel_participants_entity ON channel_participants (entity_id, channel_id);

CREATE TABLE messages (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    channel_id UUID_TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    author_id UUID_TEXT NOT NULL,
    author_name TEXT NOT NULL,
    content TEXT NOT NULL,
    raw_message JSON_TEXT,
    in_reply_to UUID_TEXT,
    source_type TEXT NOT NULL,
    source_id TEXT,
    metadata JSON_TEXT NOT NULL,
    unhandled TEXT,
    created_at MILLIS_INT NOT NULL,
    updated_at MILLIS_INT NOT NULL
);
CREATE UNIQUE INDEX messages_seq ON messages (channel_id, seq);
CREATE INDEX messages_time ON messages (channel_id, created_at, seq);
CREATE INDEX messages_source ON messages (channel_id, source_id, created_at) WHERE source_id IS NOT NULL;

CREATE TABLE turns (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    channel_id UUID_TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    message_id UUID_TEXT NOT NULL,
    sender_id UUID_TEXT NOT NULL,
    seq INTEGER NOT NULL,
    response_id UUID_TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    reply_id UUID_TEXT,
    character_version INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_until MILLIS_INT NOT NULL,
    queued_at MILLIS_INT NOT NULL,
    started_at MILLIS_INT,
    ended_at MILLIS_INT
);
CREATE UNIQUE INDEX turns_message ON turns (message_id, agent_id);
CREATE INDEX turns_active ON turns (agent_id, channel_id, seq) WHERE status IN ('queued', 'running');
CREATE INDEX turns_agent ON turns (agent_id, queued_at DESC);
CREATE INDEX turns_channel ON turns (channel_id);

CREATE TABLE turn_events (
    turn_id UUID_TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    type TEXT NOT NULL,
    at MILLIS_INT NOT NULL,
    data JSON_TEXT NOT NULL,
    PRIMARY KEY (turn_id, position)
);

INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1);
