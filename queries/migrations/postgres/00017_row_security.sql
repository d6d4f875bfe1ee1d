-- +goose Up
-- A second wall between tenants, beside the tenant that each statement names: a role that is neither a superuser nor exempt sees and
-- changes the rows of elizad.tenant only, which the server sets for its connections, and no row where it isn't set, or empty. A later
-- migration that touches rows suspends the policy: ALTER TABLE t NO FORCE ROW LEVEL SECURITY, and FORCE behind.
--
-- Behind the wall PostgreSQL finds nothing by an index of words, since it must not let the operator @@ see rows of others. So the words
-- of messages are in a table outside of it, which holds no text and is always asked with the tenant.
CREATE TABLE message_words (
    message_id uuid NOT NULL PRIMARY KEY,
    tenant bigint NOT NULL,
    channel_id uuid NOT NULL,
    author_id uuid NOT NULL,
    created_at bigint NOT NULL,
    seq bigint NOT NULL,
    words tsvector NOT NULL
);
INSERT INTO message_words (message_id, tenant, channel_id, author_id, created_at, seq, words)
SELECT id, tenant, channel_id, author_id, created_at, seq, to_tsvector('simple', translate(content, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                ')) FROM messages;
CREATE INDEX message_words_words ON message_words USING gin (words);
CREATE INDEX message_words_newest ON message_words (tenant, created_at DESC, seq DESC, message_id);
DROP INDEX messages_text;
DROP INDEX messages_newest;

-- +goose StatementBegin
CREATE FUNCTION index_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM message_words WHERE message_id = OLD.id;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE message_words SET words = to_tsvector('simple', translate(NEW.content, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                ')) WHERE message_id = NEW.id;
    ELSE
        INSERT INTO message_words (message_id, tenant, channel_id, author_id, created_at, seq, words)
        VALUES (NEW.id, NEW.tenant, NEW.channel_id, NEW.author_id, NEW.created_at, NEW.seq, to_tsvector('simple', translate(NEW.content, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                ')));
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER messages_words AFTER INSERT OR DELETE OR UPDATE OF content ON messages FOR EACH ROW EXECUTE FUNCTION index_words();

ALTER TABLE message_servers ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_servers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON message_servers USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON agents USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE message_server_agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_server_agents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON message_server_agents USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE channels ENABLE ROW LEVEL SECURITY;
ALTER TABLE channels FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON channels USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE channel_participants ENABLE ROW LEVEL SECURITY;
ALTER TABLE channel_participants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON channel_participants USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON messages USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE turns FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON turns USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE turn_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE turn_events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON turn_events USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sessions USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON jobs USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE worlds ENABLE ROW LEVEL SECURITY;
ALTER TABLE worlds FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON worlds USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE world_agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE world_agents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON world_agents USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE rooms ENABLE ROW LEVEL SECURITY;
ALTER TABLE rooms FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON rooms USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE memories ENABLE ROW LEVEL SECURITY;
ALTER TABLE memories FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON memories USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE forgotten_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE forgotten_messages FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON forgotten_messages USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE former_agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE former_agents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON former_agents USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE agents_to_conceal ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents_to_conceal FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON agents_to_conceal USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency_keys USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON api_keys USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

-- +goose Down
DROP POLICY tenant ON api_keys;
ALTER TABLE api_keys NO FORCE ROW LEVEL SECURITY;
ALTER TABLE api_keys DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON idempotency_keys;
ALTER TABLE idempotency_keys NO FORCE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON agents_to_conceal;
ALTER TABLE agents_to_conceal NO FORCE ROW LEVEL SECURITY;
ALTER TABLE agents_to_conceal DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON former_agents;
ALTER TABLE former_agents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE former_agents DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON forgotten_messages;
ALTER TABLE forgotten_messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE forgotten_messages DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON memories;
ALTER TABLE memories NO FORCE ROW LEVEL SECURITY;
ALTER TABLE memories DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON rooms;
ALTER TABLE rooms NO FORCE ROW LEVEL SECURITY;
ALTER TABLE rooms DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON world_agents;
ALTER TABLE world_agents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE world_agents DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON worlds;
ALTER TABLE worlds NO FORCE ROW LEVEL SECURITY;
ALTER TABLE worlds DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON jobs;
ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE jobs DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON sessions;
ALTER TABLE sessions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE sessions DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON turn_events;
ALTER TABLE turn_events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE turn_events DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON turns;
ALTER TABLE turns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE turns DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON messages;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE messages DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON channel_participants;
ALTER TABLE channel_participants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE channel_participants DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON channels;
ALTER TABLE channels NO FORCE ROW LEVEL SECURITY;
ALTER TABLE channels DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON message_server_agents;
ALTER TABLE message_server_agents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE message_server_agents DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON agents;
ALTER TABLE agents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE agents DISABLE ROW LEVEL SECURITY;
DROP POLICY tenant ON message_servers;
ALTER TABLE message_servers NO FORCE ROW LEVEL SECURITY;
ALTER TABLE message_servers DISABLE ROW LEVEL SECURITY;
DROP TRIGGER messages_words ON messages;
DROP FUNCTION index_words();
DROP TABLE message_words;
CREATE INDEX messages_newest ON messages (tenant, (created_at + 0) DESC, seq DESC, id);
CREATE INDEX messages_text ON messages USING gin (to_tsvector('simple', translate(content, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                ')));
