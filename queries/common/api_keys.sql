-- name: InsertAPIKey :one
-- scope: tenant
INSERT INTO api_keys (tenant, id, name, prefix, hash, scopes, entity_id, created_by, created_at, expires_at, last_used_at, revoked_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(name), sqlc.arg(prefix), sqlc.arg(hash), sqlc.arg(scopes), sqlc.arg(entity_id), sqlc.arg(created_by), sqlc.arg(created_at), sqlc.arg(expires_at), NULL, NULL)
RETURNING *;

-- name: GetAPIKey :one
-- scope: tenant
SELECT * FROM api_keys WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: FindAPIKey :one
-- scope: system
-- Also one that has ended.
SELECT * FROM api_keys WHERE tenant = sqlc.arg(tenant) AND hash = sqlc.arg(hash);

-- name: GetAnyAPIKey :one
-- scope: system
-- No row where no key was ever made: the last one is never deleted.
SELECT id FROM api_keys WHERE tenant = sqlc.arg(tenant) LIMIT 1;

-- name: ListAPIKeys :many
-- scope: tenant
-- Newest first.
SELECT * FROM api_keys
WHERE tenant = sqlc.arg(tenant) AND created_at <= sqlc.arg(until)
ORDER BY created_at DESC, id DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: CountAPIKeys :one
-- scope: tenant
SELECT count(*) FROM api_keys WHERE tenant = sqlc.arg(tenant);

-- name: RevokeAPIKey :one
-- scope: tenant
-- A key that was revoked before stays as it is.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, sqlc.arg(revoked_at)) WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id)
RETURNING *;

-- name: UseAPIKey :execrows
-- scope: system
-- Notes that a key was used, if nothing later is noted.
UPDATE api_keys SET last_used_at = sqlc.arg(last_used_at)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND (last_used_at IS NULL OR last_used_at < sqlc.arg(last_used_at));

-- name: DeleteEndedAPIKey :execrows
-- scope: tenant
-- Makes room: forgets the oldest key that was revoked or has expired.
DELETE FROM api_keys
WHERE id IN (
    SELECT k.id FROM api_keys k
    WHERE k.tenant = sqlc.arg(tenant) AND (k.revoked_at IS NOT NULL OR k.expires_at <= sqlc.arg(now))
    ORDER BY k.created_at
    LIMIT 1);
