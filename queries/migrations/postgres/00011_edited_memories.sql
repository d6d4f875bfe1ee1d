-- +goose Up
-- What an agent remembers in other words than were said is little, and looked for with each message that it reads.
CREATE INDEX memories_edited ON memories (message_id, agent_id) WHERE edited;

-- +goose Down
DROP INDEX memories_edited;
