-- +goose Up
-- People who log in here, by their entities' ids, which follow from their names. password is what argon2id makes of it.
CREATE TABLE users (
    id uuid NOT NULL,
    email text NOT NULL,
    username text NOT NULL,
    password text NOT NULL,
    admin boolean NOT NULL,
    created_at bigint NOT NULL,
    last_login_at bigint,
    disabled_at bigint,
    tenant bigint NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX users_email ON users (tenant, email);
CREATE INDEX users_created ON users (tenant, created_at, id);

-- Logins. A refresh token is a handle, which stays, and a secret, which is good once; only their hashes are here. Who has the handle with
-- a secret of before has copied a token. last_secret is the one before, for a moment.
CREATE TABLE logins (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    handle bytea NOT NULL,
    secret bytea NOT NULL,
    last_secret bytea NOT NULL,
    refreshed_at bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    ended_at bigint,
    tenant bigint NOT NULL
);
CREATE UNIQUE INDEX logins_handle ON logins (handle);
CREATE INDEX logins_user ON logins (tenant, user_id, created_at);
CREATE INDEX logins_expiry ON logins (tenant, expires_at);
CREATE INDEX logins_ended ON logins (tenant, ended_at) WHERE ended_at IS NOT NULL;

-- Tokens of other issuers that are not taken any more: one, by its jti, or all of an entity that were issued up to a moment.
CREATE TABLE revocations (
    kind text NOT NULL,
    subject text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    tenant bigint NOT NULL,
    PRIMARY KEY (tenant, kind, subject)
);
CREATE INDEX revocations_created ON revocations (tenant, created_at, subject);
CREATE INDEX revocations_expiry ON revocations (tenant, expires_at);

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON users USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE logins FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON logins USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);
ALTER TABLE revocations ENABLE ROW LEVEL SECURITY;
ALTER TABLE revocations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON revocations USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

-- +goose Down
DROP TABLE revocations;
DROP TABLE logins;
DROP TABLE users;
