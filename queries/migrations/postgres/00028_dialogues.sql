-- +goose Up
-- A dialogue is the conversation of one person with one agent in its own channel, of a client that sends all of it with each message.
-- It is found again by what was said in it: said is the digest of that, NULL while the agent answers, and heard the digest up to the
-- newest question, message_id. name is the digest of the client's own name for the chat, and place tells how far such a chat is.
CREATE TABLE dialogues (
    channel_id uuid NOT NULL PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    user_id uuid NOT NULL,
    message_id uuid NOT NULL,
    name bytea NOT NULL,
    heard bytea NOT NULL,
    said bytea,
    place bytea,
    questions bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    tenant bigint NOT NULL
);
CREATE UNIQUE INDEX dialogues_message ON dialogues (message_id);
CREATE INDEX dialogues_agent ON dialogues (agent_id);
CREATE INDEX dialogues_said ON dialogues (tenant, user_id, agent_id, said, expires_at) WHERE said IS NOT NULL;
CREATE INDEX dialogues_place ON dialogues (tenant, user_id, agent_id, name, place, expires_at) WHERE place IS NOT NULL;
CREATE INDEX dialogues_user ON dialogues (tenant, user_id, expires_at);
CREATE INDEX dialogues_expiry ON dialogues (tenant, expires_at);
CREATE INDEX dialogues_created ON dialogues (tenant, created_at);

ALTER TABLE dialogues ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialogues FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON dialogues USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

DROP INDEX channels_listed;
CREATE INDEX channels_listed ON channels (message_server_id) WHERE name NOT LIKE 'session-%' AND name NOT LIKE 'job-%' AND name NOT LIKE 'dialogue-%';
DROP INDEX channels_made;
CREATE INDEX channels_made ON channels (tenant, created_at) WHERE pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job', 'dialogue'));
DROP INDEX channels_creator;
CREATE INDEX channels_creator ON channels (created_by, pair_key) WHERE created_by IS NOT NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job', 'dialogue'));

-- +goose Down
DROP INDEX channels_creator;
CREATE INDEX channels_creator ON channels (created_by, pair_key) WHERE created_by IS NOT NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job'));
DROP INDEX channels_made;
CREATE INDEX channels_made ON channels (tenant, created_at) WHERE pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job'));
DROP INDEX channels_listed;
CREATE INDEX channels_listed ON channels (message_server_id) WHERE name NOT LIKE 'session-%' AND name NOT LIKE 'job-%';
DROP TABLE dialogues;
