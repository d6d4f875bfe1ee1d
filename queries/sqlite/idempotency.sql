-- name: InsertIdempotencyKey :execrows
INSERT INTO idempotency_keys (entity_id, idempotency_key, fingerprint, claim, status, header, body, created_at)
VALUES (@entity_id, @idempotency_key, @fingerprint, @claim, 0, @header, @body, @created_at)
ON CONFLICT (entity_id, idempotency_key) DO NOTHING;

-- name: GetIdempotencyKey :one
SELECT * FROM idempotency_keys WHERE entity_id = @entity_id AND idempotency_key = @idempotency_key;

-- name: CompleteIdempotencyKey :execrows
-- Keeps the answer, unless another attempt has taken the key.
UPDATE idempotency_keys SET status = @status, header = @header, body = @body
WHERE entity_id = @entity_id AND idempotency_key = @idempotency_key AND claim = @claim;

-- name: RenewIdempotencyKey :execrows
-- Tells that the request is still at work.
UPDATE idempotency_keys SET created_at = @created_at
WHERE entity_id = @entity_id AND idempotency_key = @idempotency_key AND claim = @claim AND status = 0;

-- name: DeleteIdempotencyKey :execrows
DELETE FROM idempotency_keys WHERE entity_id = @entity_id AND idempotency_key = @idempotency_key AND claim = @claim;

-- name: DeleteOldIdempotencyKeys :execrows
-- A few at a time: each new key takes away more than it adds.
DELETE FROM idempotency_keys
WHERE (entity_id, idempotency_key) IN (
    SELECT k.entity_id, k.idempotency_key FROM idempotency_keys k
    WHERE k.created_at < @before
    ORDER BY k.created_at
    LIMIT @limit_rows);

-- name: DeleteOpenIdempotencyKeys :execrows
-- Gives up every claim; only right while no other process works on the database.
DELETE FROM idempotency_keys WHERE status = 0;
