-- +goose Up
-- The server ids whose data a tenant has taken over. Agents that were named under one of them keep the ids that follow from it. given is how
-- often a tenant has given away all that it had, so that agents which are named after that get other ids.
ALTER TABLE tenants ADD COLUMN given INTEGER NOT NULL DEFAULT 0;
CREATE TABLE adoptions (
    server_id UUID_TEXT NOT NULL,
    adopted_at MILLIS_INT NOT NULL,
    tenant INTEGER NOT NULL,
    PRIMARY KEY (tenant, server_id, adopted_at)
);

-- A message that becomes somebody else's is put into the index of words anew, for its place there names both.
-- +goose StatementBegin
CREATE TRIGGER messages_handed_over AFTER UPDATE OF tenant, author_id ON messages BEGIN
    DELETE FROM message_index WHERE rowid = (SELECT docid FROM message_texts WHERE message_id = new.id);
    INSERT OR IGNORE INTO messages_to_index (docid) SELECT docid FROM message_texts WHERE message_id = new.id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER messages_handed_over;
DROP TABLE adoptions;
ALTER TABLE tenants DROP COLUMN given;
