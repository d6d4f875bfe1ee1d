-- +goose Up
-- A search looks through the newest messages before it asks the index of words, which can't tell what is newest without reading
-- all that it finds. The sum keeps PostgreSQL from using it for anything else: it would walk through all messages for those of a
-- quiet channel.
CREATE INDEX messages_newest ON messages ((created_at + 0) DESC, seq DESC, id);

-- +goose Down
DROP INDEX messages_newest;
