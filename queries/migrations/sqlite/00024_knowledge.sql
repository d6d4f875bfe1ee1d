-- +goose Up
-- The documents of agents, and the passages that they are cut into. A document is known by its place within its source: its path, the
-- hash of a text, or its own id. Content is there until the document is indexed.
CREATE TABLE documents (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    place TEXT NOT NULL,
    title TEXT NOT NULL,
    media_type TEXT NOT NULL,
    hash TEXT NOT NULL,
    size INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    passages INTEGER NOT NULL,
    indexed INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lease_until MILLIS_INT NOT NULL,
    created_at MILLIS_INT NOT NULL,
    updated_at MILLIS_INT NOT NULL,
    tenant INTEGER NOT NULL
);
CREATE UNIQUE INDEX documents_place ON documents (agent_id, source, place);
CREATE INDEX documents_agent ON documents (agent_id, created_at, id);
CREATE INDEX documents_waiting ON documents (tenant, created_at, id) WHERE status IN ('queued', 'indexing');

CREATE TABLE document_contents (
    document_id UUID_TEXT NOT NULL PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    content BLOB NOT NULL,
    tenant INTEGER NOT NULL
);

CREATE TABLE passages (
    number INTEGER NOT NULL PRIMARY KEY,
    document_id UUID_TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    agent_id UUID_TEXT NOT NULL,
    position INTEGER NOT NULL,
    heading TEXT NOT NULL,
    content TEXT NOT NULL,
    terms TEXT NOT NULL,
    embedding BLOB NOT NULL,
    embedding_space TEXT NOT NULL,
    tenant INTEGER NOT NULL
);
CREATE UNIQUE INDEX passages_document ON passages (document_id, position);
CREATE INDEX passages_agent ON passages (agent_id, number);

-- The words of passages. place holds the agent as a word, so that a search doesn't visit what others know.
CREATE VIRTUAL TABLE passage_index USING fts5 (terms, place, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0');
-- +goose StatementBegin
CREATE TRIGGER passages_indexed AFTER INSERT ON passages BEGIN
    INSERT INTO passage_index (rowid, terms, place) VALUES (new.number, new.terms, 'a' || replace(new.agent_id, '-', ''));
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER passages_forgotten AFTER DELETE ON passages BEGIN
    DELETE FROM passage_index WHERE rowid = old.number;
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE passages;
DROP TABLE passage_index;
DROP TABLE document_contents;
DROP TABLE documents;
