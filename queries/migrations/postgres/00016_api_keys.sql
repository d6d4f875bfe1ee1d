-- +goose Up
-- Keys that callers present, beside the one of the settings. The key itself is not stored: hash is its SHA-256, and prefix is what
-- people tell it by.
CREATE TABLE api_keys (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL,
    scopes text NOT NULL,
    entity_id uuid,
    created_by uuid,
    created_at bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint,
    revoked_at bigint,
    tenant bigint NOT NULL
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_created ON api_keys (tenant, created_at, id);

-- +goose Down
DROP TABLE api_keys;
