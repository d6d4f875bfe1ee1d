-- +goose Up
-- The documents of agents, and the passages that they are cut into. A document is known by its place within its source: its path, the
-- hash of a text, or its own id. Content is there until the document is indexed.
CREATE TABLE documents (
    id uuid NOT NULL PRIMARY KEY,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    source text NOT NULL,
    place text NOT NULL,
    title text NOT NULL,
    media_type text NOT NULL,
    hash text NOT NULL,
    size bigint NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    passages bigint NOT NULL,
    indexed bigint NOT NULL,
    attempts bigint NOT NULL,
    lease_until bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    tenant bigint NOT NULL
);
CREATE UNIQUE INDEX documents_place ON documents (agent_id, source, place);
CREATE INDEX documents_agent ON documents (agent_id, created_at, id);
CREATE INDEX documents_waiting ON documents (tenant, created_at, id) WHERE status IN ('queued', 'indexing');

CREATE TABLE document_contents (
    document_id uuid NOT NULL PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    content bytea NOT NULL,
    tenant bigint NOT NULL
);

-- The key begins with the agent, and no index with the number: a planner would walk through it for an agent that has nothing.
CREATE TABLE passages (
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    agent_id uuid NOT NULL,
    position bigint NOT NULL,
    heading text NOT NULL,
    content text NOT NULL,
    terms text NOT NULL,
    embedding bytea NOT NULL,
    embedding_space text NOT NULL,
    tenant bigint NOT NULL,
    PRIMARY KEY (agent_id, number)
);
CREATE UNIQUE INDEX passages_document ON passages (document_id, position);

-- The words of passages, outside of the wall between tenants as those of messages are. Each holds its agent as a word, so that a
-- search doesn't visit what others know.
CREATE TABLE passage_words (
    number bigint NOT NULL PRIMARY KEY,
    tenant bigint NOT NULL,
    words tsvector NOT NULL
);
CREATE INDEX passage_words_words ON passage_words USING gin (words);
-- +goose StatementBegin
CREATE FUNCTION index_passage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM passage_words WHERE number = OLD.number;
    ELSE
        INSERT INTO passage_words (number, tenant, words)
        VALUES (NEW.number, NEW.tenant, to_tsvector('simple', NEW.terms) || array_to_tsvector(ARRAY[NEW.agent_id::text]));
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER passages_words AFTER INSERT OR DELETE ON passages FOR EACH ROW EXECUTE FUNCTION index_passage();

ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON documents USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE document_contents ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_contents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON document_contents USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE passages ENABLE ROW LEVEL SECURITY;
ALTER TABLE passages FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON passages USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

-- +goose Down
DROP TABLE passages;
DROP FUNCTION index_passage();
DROP TABLE passage_words;
DROP TABLE document_contents;
DROP TABLE documents;
