-- name: InsertUser :one
-- scope: system
INSERT INTO users (tenant, id, email, username, password, admin, created_at, last_login_at, disabled_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(email), sqlc.arg(username), sqlc.arg(password), sqlc.arg(admin), sqlc.arg(created_at), NULL, NULL)
RETURNING *;

-- name: GetUser :one
-- scope: tenant
SELECT * FROM users WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: FindUser :one
-- scope: system
SELECT * FROM users WHERE tenant = sqlc.arg(tenant) AND email = sqlc.arg(email);

-- name: ListUsers :many
-- scope: tenant
-- Newest first.
SELECT * FROM users
WHERE tenant = sqlc.arg(tenant) AND created_at <= sqlc.arg(until)
ORDER BY created_at DESC, id DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: CountUsers :one
-- scope: tenant
SELECT count(*) FROM users WHERE tenant = sqlc.arg(tenant);

-- name: UpdateUser :one
-- scope: tenant
UPDATE users SET password = sqlc.arg(password), admin = sqlc.arg(admin), disabled_at = sqlc.arg(disabled_at)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id)
RETURNING *;

-- name: ChangeUserPassword :execrows
-- scope: tenant
-- Changes nothing if the password is another one by now.
UPDATE users SET password = sqlc.arg(password) WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND password = sqlc.arg(old_password);

-- name: NoteUserLogin :execrows
-- scope: system
-- No row if the password is another one by now, or the user was disabled.
UPDATE users SET last_login_at = sqlc.arg(now)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND password = sqlc.arg(password) AND disabled_at IS NULL;

-- name: InsertLogin :exec
-- scope: system
INSERT INTO logins (tenant, id, user_id, handle, secret, last_secret, refreshed_at, created_at, expires_at, ended_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(user_id), sqlc.arg(handle), sqlc.arg(secret), sqlc.arg(secret), sqlc.arg(created_at), sqlc.arg(created_at), sqlc.arg(expires_at), NULL);

-- name: FindLogin :one
-- scope: system
-- Also one that has ended.
SELECT * FROM logins WHERE tenant = sqlc.arg(tenant) AND handle = sqlc.arg(handle);

-- name: GetLoginUser :one
-- scope: system
-- The user of a login that has not ended; no row for one who was disabled.
SELECT u.* FROM logins s JOIN users u ON u.tenant = s.tenant AND u.id = s.user_id
WHERE s.tenant = sqlc.arg(tenant) AND s.id = sqlc.arg(id) AND s.ended_at IS NULL AND s.expires_at > sqlc.arg(now) AND u.disabled_at IS NULL;

-- name: RefreshLogin :execrows
-- scope: system
-- One of those who bring the same secret changes the row.
UPDATE logins SET secret = sqlc.arg(secret), last_secret = sqlc.arg(old_secret), refreshed_at = sqlc.arg(now)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND secret = sqlc.arg(old_secret) AND ended_at IS NULL;

-- name: EndLogin :execrows
-- scope: system
UPDATE logins SET ended_at = sqlc.arg(ended_at) WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND ended_at IS NULL;

-- name: EndLogins :many
-- scope: tenant
-- Ends all of a user but one.
UPDATE logins SET ended_at = sqlc.arg(ended_at)
WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(user_id) AND id <> sqlc.arg(login_id) AND ended_at IS NULL
RETURNING id;

-- name: DeleteSurplusLogins :execrows
-- scope: system
-- Leaves a user the newest.
DELETE FROM logins
WHERE id IN (
    SELECT s.id FROM logins s
    WHERE s.tenant = sqlc.arg(tenant) AND s.user_id = sqlc.arg(user_id)
    ORDER BY s.created_at DESC
    LIMIT 1000 OFFSET CAST(sqlc.arg(keep_rows) AS bigint));

-- name: ListEndedLogins :many
-- scope: system
SELECT id FROM logins WHERE tenant = sqlc.arg(tenant) AND ended_at >= sqlc.arg(since) LIMIT 10000;

-- name: DeleteExpiredLogins :execrows
-- scope: system
DELETE FROM logins WHERE tenant = sqlc.arg(tenant) AND expires_at <= sqlc.arg(now);

-- name: DeleteEndedLogins :execrows
-- scope: system
DELETE FROM logins WHERE tenant = sqlc.arg(tenant) AND ended_at <= sqlc.arg(before);
