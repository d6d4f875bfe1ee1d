-- +goose Up
-- A fact is a memory of the kind facts: what an agent keeps about an entity, in a sentence. fact_sources holds the messages that told
-- it, and so says where the agent may speak of it. With the last of them goes the fact.
CREATE TABLE fact_sources (
    memory_id UUID_TEXT NOT NULL REFERENCES memories (id) ON DELETE CASCADE,
    message_id UUID_TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    agent_id UUID_TEXT NOT NULL,
    channel_id UUID_TEXT NOT NULL,
    tenant INTEGER NOT NULL,
    PRIMARY KEY (memory_id, message_id)
);
CREATE INDEX fact_sources_message ON fact_sources (message_id, agent_id);
CREATE INDEX fact_sources_channel ON fact_sources (channel_id, agent_id, message_id);
CREATE INDEX memories_facts ON memories (agent_id, entity_id, updated_at, id) WHERE table_name = 'facts';
-- +goose StatementBegin
CREATE TRIGGER fact_sources_gone AFTER DELETE ON fact_sources BEGIN
    DELETE FROM memories WHERE id = old.memory_id AND NOT EXISTS (SELECT 1 FROM fact_sources WHERE memory_id = old.memory_id);
END;
-- +goose StatementEnd
-- What an agent was made to forget tells it nothing any more.
-- +goose StatementBegin
CREATE TRIGGER forgotten_messages_sources AFTER INSERT ON forgotten_messages BEGIN
    DELETE FROM fact_sources WHERE message_id = new.message_id AND agent_id = new.agent_id AND tenant = new.tenant;
END;
-- +goose StatementEnd

-- How far an agent has looked back in a channel: the number of the last message, and how often it failed since.
CREATE TABLE reflections (
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    channel_id UUID_TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    tenant INTEGER NOT NULL,
    PRIMARY KEY (channel_id, agent_id)
);
CREATE INDEX reflections_agent ON reflections (agent_id);

-- +goose Down
DROP TABLE reflections;
DROP TRIGGER forgotten_messages_sources;
DROP INDEX memories_facts;
DROP TABLE fact_sources;
