-- +goose Up
-- The channels that callers made, so that they can be counted: neither the DM of two entities, nor those of sessions and jobs.
CREATE INDEX channels_made ON channels (created_at) WHERE pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job'));

-- +goose Down
DROP INDEX channels_made;
