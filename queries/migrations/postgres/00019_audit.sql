-- +goose Up
-- Who did what to which thing: entries that are written once. hash is over the hash of the entry before and all other columns, as
-- package chain says. audit_chains has the last entry, and the last of those that were dropped because they were old.
CREATE TABLE audit_entries (
    seq bigint NOT NULL,
    at bigint NOT NULL,
    since bigint NOT NULL,
    times bigint NOT NULL,
    action text NOT NULL,
    operation text NOT NULL,
    status bigint NOT NULL,
    kind text NOT NULL,
    proof text NOT NULL,
    key_id uuid,
    entity_id uuid,
    proven boolean NOT NULL,
    address text NOT NULL,
    target_id uuid,
    within_id uuid,
    details text NOT NULL,
    request_id text NOT NULL,
    hash bytea NOT NULL,
    tenant bigint NOT NULL,
    PRIMARY KEY (tenant, seq)
);
CREATE TABLE audit_chains (
    tenant bigint NOT NULL PRIMARY KEY,
    last_seq bigint NOT NULL,
    last_hash bytea NOT NULL,
    dropped_seq bigint NOT NULL,
    dropped_hash bytea NOT NULL
);
ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_entries USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE audit_chains ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_chains FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_chains USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

-- +goose Down
DROP TABLE audit_chains;
DROP TABLE audit_entries;
