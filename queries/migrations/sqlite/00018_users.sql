-- +goose Up
-- People who log in here, by their entities' ids, which follow from their names. password is what argon2id makes of it.
CREATE TABLE users (
    id UUID_TEXT NOT NULL,
    email TEXT NOT NULL,
    username TEXT NOT NULL,
    password TEXT NOT NULL,
    admin BOOLEAN NOT NULL,
    created_at MILLIS_INT NOT NULL,
    last_login_at MILLIS_INT,
    disabled_at MILLIS_INT,
    tenant INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX users_email ON users (tenant, email);
CREATE INDEX users_created ON users (tenant, created_at, id);

-- Logins. A refresh token is a handle, which stays, and a secret, which is good once; only their hashes are here. Who has the handle with
-- a secret of before has copied a token. last_secret is the one before, for a moment.
CREATE TABLE logins (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    user_id UUID_TEXT NOT NULL,
    handle BLOB NOT NULL,
    secret BLOB NOT NULL,
    last_secret BLOB NOT NULL,
    refreshed_at MILLIS_INT NOT NULL,
    created_at MILLIS_INT NOT NULL,
    expires_at MILLIS_INT NOT NULL,
    ended_at MILLIS_INT,
    tenant INTEGER NOT NULL
);
CREATE UNIQUE INDEX logins_handle ON logins (handle);
CREATE INDEX logins_user ON logins (tenant, user_id, created_at);
CREATE INDEX logins_expiry ON logins (tenant, expires_at);
CREATE INDEX logins_ended ON logins (tenant, ended_at) WHERE ended_at IS NOT NULL;

-- Tokens of other issuers that are not taken any more: one, by its jti, or all of an entity that were issued up to a moment.
CREATE TABLE revocations (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at MILLIS_INT NOT NULL,
    expires_at MILLIS_INT NOT NULL,
    tenant INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, subject)
);
CREATE INDEX revocations_created ON revocations (tenant, created_at, subject);
CREATE INDEX revocations_expiry ON revocations (tenant, expires_at);

-- +goose Down
DROP TABLE revocations;
DROP TABLE logins;
DROP TABLE users;
