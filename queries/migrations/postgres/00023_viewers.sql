-- +goose Up
-- A viewer's channels are found in an index alone.
DROP INDEX channel_participants_entity;
CREATE INDEX channel_participants_entity ON channel_participants (entity_id, channel_id, tenant);

-- +goose Down
DROP INDEX channel_participants_entity;
CREATE INDEX channel_participants_entity ON channel_participants (entity_id, channel_id);
