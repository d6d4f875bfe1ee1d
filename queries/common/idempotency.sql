-- name: InsertIdempotencyKey :execrows
-- scope: tenant
INSERT INTO idempotency_keys (tenant, entity_id, idempotency_key, fingerprint, claim, status, header, body, created_at, owner)
VALUES (sqlc.arg(tenant), sqlc.arg(entity_id), sqlc.arg(idempotency_key), sqlc.arg(fingerprint), sqlc.arg(claim), 0, sqlc.arg(header), sqlc.arg(body), sqlc.arg(created_at), sqlc.arg(owner))
ON CONFLICT (tenant, entity_id, idempotency_key) DO NOTHING;

-- name: GetIdempotencyKey :one
-- scope: tenant
SELECT * FROM idempotency_keys WHERE tenant = sqlc.arg(tenant) AND entity_id = sqlc.arg(entity_id) AND idempotency_key = sqlc.arg(idempotency_key);

-- name: CompleteIdempotencyKey :execrows
-- scope: tenant
-- Keeps the answer, unless another attempt has taken the key.
UPDATE idempotency_keys SET status = sqlc.arg(status), header = sqlc.arg(header), body = sqlc.arg(body), digest = sqlc.arg(digest)
WHERE tenant = sqlc.arg(tenant) AND entity_id = sqlc.arg(entity_id) AND idempotency_key = sqlc.arg(idempotency_key) AND claim = sqlc.arg(claim);

-- name: RenewIdempotencyKey :execrows
-- scope: tenant
-- Renews the claim of a running request.
UPDATE idempotency_keys SET created_at = sqlc.arg(created_at)
WHERE tenant = sqlc.arg(tenant) AND entity_id = sqlc.arg(entity_id) AND idempotency_key = sqlc.arg(idempotency_key) AND claim = sqlc.arg(claim) AND status = 0;

-- name: DeleteIdempotencyKey :execrows
-- scope: tenant
DELETE FROM idempotency_keys WHERE tenant = sqlc.arg(tenant) AND entity_id = sqlc.arg(entity_id) AND idempotency_key = sqlc.arg(idempotency_key) AND claim = sqlc.arg(claim);

-- name: DeleteOpenIdempotencyKeys :execrows
-- scope: system
-- Gives up every claim; only valid while no other process uses the database.
DELETE FROM idempotency_keys WHERE tenant = sqlc.arg(tenant) AND status = 0;

-- name: DeleteOwnersOpenIdempotencyKeys :execrows
-- scope: system
-- Gives up the claims of an instance that has just restarted.
DELETE FROM idempotency_keys WHERE tenant = sqlc.arg(tenant) AND status = 0 AND owner = sqlc.arg(owner);
