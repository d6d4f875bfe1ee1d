-- +goose Up
-- The index of what messages say. FTS5 numbers its documents and SQLite may renumber the rows of a table without an INTEGER
-- key, so message_texts gives each message a number of its own. The index holds no text: that is in messages alone.
CREATE TABLE message_texts (
    docid INTEGER NOT NULL PRIMARY KEY,
    message_id UUID_TEXT NOT NULL UNIQUE
);
CREATE VIRTUAL TABLE message_index USING fts5 (content, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0');

INSERT INTO message_texts (message_id) SELECT id FROM messages ORDER BY created_at, seq;
INSERT INTO message_index (rowid, content) SELECT t.docid, m.content FROM message_texts t JOIN messages m ON m.id = t.message_id;

-- +goose StatementBegin
CREATE TRIGGER messages_indexed AFTER INSERT ON messages BEGIN
    INSERT INTO message_texts (message_id) VALUES (new.id);
    INSERT INTO message_index (rowid, content) SELECT docid, new.content FROM message_texts WHERE message_id = new.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER messages_reindexed AFTER UPDATE OF content ON messages BEGIN
    UPDATE message_index SET content = new.content WHERE rowid = (SELECT docid FROM message_texts WHERE message_id = new.id);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER messages_unindexed AFTER DELETE ON messages BEGIN
    DELETE FROM message_index WHERE rowid = (SELECT docid FROM message_texts WHERE message_id = old.id);
    DELETE FROM message_texts WHERE message_id = old.id;
END;
-- +goose StatementEnd
CREATE INDEX messages_author ON messages (author_id, created_at, seq);

-- A channel that mirrors one of another platform is there once.
CREATE UNIQUE INDEX channels_source ON channels (message_server_id, source_type, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX channels_platform ON channels (source_type, source_id, created_at) WHERE source_id IS NOT NULL;

-- The answers to requests that carried an Idempotency-Key, for those who ask again. While the first is still at work the
-- status is 0 and claim names the attempt.
CREATE TABLE idempotency_keys (
    entity_id UUID_TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    claim UUID_TEXT NOT NULL,
    status INTEGER NOT NULL,
    header JSON_TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at MILLIS_INT NOT NULL,
    PRIMARY KEY (entity_id, idempotency_key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_open ON idempotency_keys (entity_id) WHERE status = 0;

-- +goose Down
DROP TABLE idempotency_keys;
DROP INDEX channels_platform;
DROP INDEX channels_source;
DROP INDEX messages_author;
DROP TRIGGER messages_unindexed;
DROP TRIGGER messages_reindexed;
DROP TRIGGER messages_indexed;
DROP TABLE message_index;
DROP TABLE message_texts;
