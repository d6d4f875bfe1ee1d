-- +goose Up
-- Keys that callers present, beside the one of the settings. The key itself is not stored: hash is its SHA-256, and prefix is what
-- people tell it by.
CREATE TABLE api_keys (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    hash BLOB NOT NULL,
    scopes TEXT NOT NULL,
    entity_id UUID_TEXT,
    created_by UUID_TEXT,
    created_at MILLIS_INT NOT NULL,
    expires_at MILLIS_INT,
    last_used_at MILLIS_INT,
    revoked_at MILLIS_INT,
    tenant INTEGER NOT NULL
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_created ON api_keys (tenant, created_at, id);

-- +goose Down
DROP TABLE api_keys;
