-- name: UpsertRevocation :one
-- scope: tenant
-- What was revoked before stays revoked as long as it was.
INSERT INTO revocations (tenant, kind, subject, created_at, expires_at)
VALUES (sqlc.arg(tenant), sqlc.arg(kind), sqlc.arg(subject), sqlc.arg(created_at), sqlc.arg(expires_at))
ON CONFLICT (tenant, kind, subject) DO UPDATE
SET created_at = excluded.created_at,
    expires_at = CASE WHEN excluded.expires_at > revocations.expires_at THEN excluded.expires_at ELSE revocations.expires_at END
RETURNING *;

-- name: FindRevocations :many
-- scope: system
-- Those of a token and of its entity.
SELECT * FROM revocations
WHERE tenant = sqlc.arg(tenant) AND (kind = 'token' AND subject = sqlc.arg(token_id) OR kind = 'entity' AND subject = sqlc.arg(entity));

-- name: CountRevocations :one
-- scope: tenant
SELECT count(*) FROM revocations WHERE tenant = sqlc.arg(tenant);

-- name: ListRevocations :many
-- scope: tenant
-- Newest first.
SELECT * FROM revocations
WHERE tenant = sqlc.arg(tenant) AND created_at <= sqlc.arg(until)
ORDER BY created_at DESC, subject DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: ListNewRevocations :many
-- scope: system
SELECT * FROM revocations WHERE tenant = sqlc.arg(tenant) AND created_at >= sqlc.arg(since) LIMIT 10000;

-- name: DeleteExpiredRevocations :execrows
-- scope: tenant
DELETE FROM revocations WHERE tenant = sqlc.arg(tenant) AND expires_at <= sqlc.arg(now);
