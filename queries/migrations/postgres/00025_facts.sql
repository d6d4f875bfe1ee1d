-- +goose Up
-- A fact is a memory of the kind facts: what an agent keeps about an entity, in a sentence. fact_sources holds the messages that told
-- it, and so says where the agent may speak of it. With the last of them goes the fact.
CREATE TABLE fact_sources (
    memory_id uuid NOT NULL REFERENCES memories (id) ON DELETE CASCADE,
    message_id uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    agent_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    tenant bigint NOT NULL,
    PRIMARY KEY (memory_id, message_id)
);
CREATE INDEX fact_sources_message ON fact_sources (message_id, agent_id);
CREATE INDEX fact_sources_channel ON fact_sources (channel_id, agent_id, message_id);
CREATE INDEX memories_facts ON memories (agent_id, entity_id, updated_at, id) WHERE table_name = 'facts';
ALTER TABLE fact_sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE fact_sources FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON fact_sources USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

-- +goose StatementBegin
CREATE FUNCTION drop_fact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM memories WHERE id = OLD.memory_id AND NOT EXISTS (SELECT 1 FROM fact_sources WHERE memory_id = OLD.memory_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER fact_sources_gone AFTER DELETE ON fact_sources FOR EACH ROW EXECUTE FUNCTION drop_fact();
-- What an agent was made to forget tells it nothing any more.
-- +goose StatementBegin
CREATE FUNCTION forget_sources() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM fact_sources WHERE message_id = NEW.message_id AND agent_id = NEW.agent_id AND tenant = NEW.tenant;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER forgotten_messages_sources AFTER INSERT ON forgotten_messages FOR EACH ROW EXECUTE FUNCTION forget_sources();

-- How far an agent has looked back in a channel: the number of the last message, and how often it failed since.
CREATE TABLE reflections (
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    channel_id uuid NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    seq bigint NOT NULL,
    tries bigint NOT NULL,
    tenant bigint NOT NULL,
    PRIMARY KEY (channel_id, agent_id)
);
CREATE INDEX reflections_agent ON reflections (agent_id);
ALTER TABLE reflections ENABLE ROW LEVEL SECURITY;
ALTER TABLE reflections FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reflections USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

-- +goose Down
DROP TABLE reflections;
DROP TRIGGER forgotten_messages_sources ON forgotten_messages;
DROP FUNCTION forget_sources;
DROP INDEX memories_facts;
DROP TABLE fact_sources;
DROP FUNCTION drop_fact;
