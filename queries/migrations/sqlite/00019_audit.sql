-- +goose Up
-- Who did what to which thing: entries that are written once. hash is over the hash of the entry before and all other columns, as
-- package chain says. audit_chains has the last entry, and the last of those that were dropped because they were old.
CREATE TABLE audit_entries (
    seq INTEGER NOT NULL,
    at MILLIS_INT NOT NULL,
    since MILLIS_INT NOT NULL,
    times INTEGER NOT NULL,
    action TEXT NOT NULL,
    operation TEXT NOT NULL,
    status INTEGER NOT NULL,
    kind TEXT NOT NULL,
    proof TEXT NOT NULL,
    key_id UUID_TEXT,
    entity_id UUID_TEXT,
    proven BOOLEAN NOT NULL,
    address TEXT NOT NULL,
    target_id UUID_TEXT,
    within_id UUID_TEXT,
    details TEXT NOT NULL,
    request_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    tenant INTEGER NOT NULL,
    PRIMARY KEY (tenant, seq)
);
CREATE TABLE audit_chains (
    tenant INTEGER NOT NULL PRIMARY KEY,
    last_seq INTEGER NOT NULL,
    last_hash BLOB NOT NULL,
    dropped_seq INTEGER NOT NULL,
    dropped_hash BLOB NOT NULL
);

-- +goose Down
DROP TABLE audit_chains;
DROP TABLE audit_entries;
