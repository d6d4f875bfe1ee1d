-- +goose Up
-- A search reads the index from its end and stops after a page, so the numbers of documents grow with the times of their
-- messages: docid is created_at times 2^20, and then counts those of the millisecond. Of more than that in one, which takes a
-- clock that stands still for long, the last are not found. place holds the channel and the author as words, so that a search
-- for what one of them has doesn't visit what the others have.
DROP TRIGGER messages_numbered;
DROP TRIGGER messages_reindexed;
DROP TABLE message_index;
DELETE FROM message_texts;
INSERT OR IGNORE INTO message_texts (docid, message_id)
SELECT (created_at << 20) + row_number() OVER (PARTITION BY created_at ORDER BY seq, id) - 1, id FROM messages;

CREATE VIEW message_documents AS
SELECT t.docid, m.content, 'c' || replace(m.channel_id, '-', '') || ' a' || replace(m.author_id, '-', '') AS place
FROM message_texts t CROSS JOIN messages m ON m.id = t.message_id;
CREATE VIRTUAL TABLE message_index USING fts5 (content, place, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0');
INSERT INTO message_index (rowid, content, place) SELECT docid, content, place FROM message_documents ORDER BY docid;

-- What is still to be put into the index.
CREATE TABLE messages_to_index (
    docid INTEGER NOT NULL PRIMARY KEY
);
-- +goose StatementBegin
CREATE TRIGGER messages_numbered AFTER INSERT ON messages BEGIN
    INSERT OR IGNORE INTO message_texts (docid, message_id)
    SELECT max(new.created_at << 20, coalesce(max(docid) + 1, 0)), new.id FROM message_texts WHERE docid < (new.created_at + 1) << 20;
    INSERT OR IGNORE INTO messages_to_index (docid) SELECT docid FROM message_texts WHERE message_id = new.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER messages_reindexed AFTER UPDATE OF content ON messages BEGIN
    DELETE FROM message_index WHERE rowid = (SELECT docid FROM message_texts WHERE message_id = new.id);
    INSERT OR IGNORE INTO messages_to_index (docid) SELECT docid FROM message_texts WHERE message_id = new.id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER messages_reindexed;
DROP TRIGGER messages_numbered;
DROP TABLE messages_to_index;
DROP TABLE message_index;
DROP VIEW message_documents;
DELETE FROM message_texts;
INSERT INTO message_texts (message_id) SELECT id FROM messages ORDER BY created_at, seq;
CREATE VIRTUAL TABLE message_index USING fts5 (content, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0');
INSERT INTO message_index (rowid, content) SELECT t.docid, m.content FROM message_texts t JOIN messages m ON m.id = t.message_id;
-- +goose StatementBegin
CREATE TRIGGER messages_numbered AFTER INSERT ON messages BEGIN
    INSERT INTO message_texts (message_id) VALUES (new.id);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER messages_reindexed AFTER UPDATE OF content ON messages BEGIN
    UPDATE message_index SET content = new.content WHERE rowid = (SELECT docid FROM message_texts WHERE message_id = new.id);
END;
-- +goose StatementEnd
