-- +goose Up
-- What a message says was put into the index with the message. Each statement behind it that could have to be undone then made
-- the index write what it had gathered, so that every message of a group commit got a segment of its own. The writer puts in
-- what is new once for each commit: all above the largest number in the index.
DROP TRIGGER messages_indexed;
-- +goose StatementBegin
CREATE TRIGGER messages_numbered AFTER INSERT ON messages BEGIN
    INSERT INTO message_texts (message_id) VALUES (new.id);
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER messages_numbered;
-- +goose StatementBegin
CREATE TRIGGER messages_indexed AFTER INSERT ON messages BEGIN
    INSERT INTO message_texts (message_id) VALUES (new.id);
    INSERT INTO message_index (rowid, content) SELECT docid, new.content FROM message_texts WHERE message_id = new.id;
END;
-- +goose StatementEnd
