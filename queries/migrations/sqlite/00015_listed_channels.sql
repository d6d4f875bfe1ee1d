-- +goose Up
-- The channels that a list shows unless it is asked for those of sessions and jobs, so that they can be counted. It is left alone
-- by what is said in a channel.
CREATE INDEX channels_listed ON channels (message_server_id) WHERE name NOT GLOB 'session-*' AND name NOT GLOB 'job-*';

-- +goose Down
DROP INDEX channels_listed;
