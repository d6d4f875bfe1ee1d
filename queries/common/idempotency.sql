-- name: InsertIdempotencyKey :execrows
INSERT INTO idempotency_keys (entity_id, idempotency_key, fingerprint, claim, status, header, body, created_at, owner)
VALUES (sqlc.arg(entity_id), sqlc.arg(idempotency_key), sqlc.arg(fingerprint), sqlc.arg(claim), 0, sqlc.arg(header), sqlc.arg(body), sqlc.arg(created_at), sqlc.arg(owner))
ON CONFLICT (entity_id, idempotency_key) DO NOTHING;

-- name: GetIdempotencyKey :one
SELECT * FROM idempotency_keys WHERE entity_id = sqlc.arg(entity_id) AND idempotency_key = sqlc.arg(idempotency_key);

-- name: CompleteIdempotencyKey :execrows
-- Keeps the answer, unless another attempt has taken the key.
UPDATE idempotency_keys SET status = sqlc.arg(status), header = sqlc.arg(header), body = sqlc.arg(body), digest = sqlc.arg(digest)
WHERE entity_id = sqlc.arg(entity_id) AND idempotency_key = sqlc.arg(idempotency_key) AND claim = sqlc.arg(claim);

-- name: RenewIdempotencyKey :execrows
-- Renews the claim of a running request.
UPDATE idempotency_keys SET created_at = sqlc.arg(created_at)
WHERE entity_id = sqlc.arg(entity_id) AND idempotency_key = sqlc.arg(idempotency_key) AND claim = sqlc.arg(claim) AND status = 0;

-- name: DeleteIdempotencyKey :execrows
DELETE FROM idempotency_keys WHERE entity_id = sqlc.arg(entity_id) AND idempotency_key = sqlc.arg(idempotency_key) AND claim = sqlc.arg(claim);

-- name: DeleteOpenIdempotencyKeys :execrows
-- Gives up every claim; only valid while no other process uses the database.
DELETE FROM idempotency_keys WHERE status = 0;

-- name: DeleteOwnersOpenIdempotencyKeys :execrows
-- Gives up the claims of an instance that has just restarted.
DELETE FROM idempotency_keys WHERE status = 0 AND owner = sqlc.arg(owner);
