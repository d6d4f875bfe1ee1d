-- +goose Up
-- What a viewer searches for is looked up by what is newest, where the channel of each message must be at hand, and by the viewer's
-- channels, which are found in an index alone.
ALTER TABLE message_texts ADD COLUMN channel_id UUID_TEXT NOT NULL DEFAULT '';
UPDATE message_texts SET channel_id = coalesce((SELECT m.channel_id FROM messages m WHERE m.id = message_texts.message_id), '');
DROP TRIGGER messages_numbered;
-- +goose StatementBegin
CREATE TRIGGER messages_numbered AFTER INSERT ON messages BEGIN
    INSERT OR IGNORE INTO message_texts (docid, message_id, channel_id)
    SELECT max(new.created_at << 20, coalesce(max(docid) + 1, 0)), new.id, new.channel_id FROM message_texts WHERE docid < (new.created_at + 1) << 20;
    INSERT OR IGNORE INTO messages_to_index (docid) SELECT docid FROM message_texts WHERE message_id = new.id;
END;
-- +goose StatementEnd
DROP INDEX channel_participants_entity;
CREATE INDEX channel_participants_entity ON channel_participants (entity_id, channel_id, tenant);

-- +goose Down
DROP INDEX channel_participants_entity;
CREATE INDEX channel_participants_entity ON channel_participants (entity_id, channel_id);
DROP TRIGGER messages_numbered;
-- +goose StatementBegin
CREATE TRIGGER messages_numbered AFTER INSERT ON messages BEGIN
    INSERT OR IGNORE INTO message_texts (docid, message_id)
    SELECT max(new.created_at << 20, coalesce(max(docid) + 1, 0)), new.id FROM message_texts WHERE docid < (new.created_at + 1) << 20;
    INSERT OR IGNORE INTO messages_to_index (docid) SELECT docid FROM message_texts WHERE message_id = new.id;
END;
-- +goose StatementEnd
ALTER TABLE message_texts DROP COLUMN channel_id;
