-- +goose Up
-- The index of what messages say. Punctuation counts as space, so that words are told apart as SQLite's index does it; the
-- query repeats the expression word by word, which is what leads PostgreSQL to the index.
CREATE INDEX messages_text ON messages USING gin (to_tsvector('simple', translate(content, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                ')));
CREATE INDEX messages_author ON messages (author_id, created_at, seq);

-- A channel that mirrors one of another platform is there once.
CREATE UNIQUE INDEX channels_source ON channels (message_server_id, source_type, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX channels_platform ON channels (source_type, source_id, created_at) WHERE source_id IS NOT NULL;

-- The answers to requests that carried an Idempotency-Key, for those who ask again. While the first is still at work the
-- status is 0 and claim names the attempt.
CREATE TABLE idempotency_keys (
    entity_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint text NOT NULL,
    claim uuid NOT NULL,
    status bigint NOT NULL,
    header jsonb NOT NULL,
    body bytea NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (entity_id, idempotency_key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_open ON idempotency_keys (entity_id) WHERE status = 0;

-- +goose Down
DROP TABLE idempotency_keys;
DROP INDEX channels_platform;
DROP INDEX channels_source;
DROP INDEX messages_author;
DROP INDEX messages_text;
