-- name: InsertIdempotencyKey :execrows
INSERT INTO idempotency_keys (entity_id, idempotency_key, fingerprint, claim, status, header, body, created_at, owner)
VALUES (@entity_id, @idempotency_key, @fingerprint, @claim, 0, @header, @body, @created_at, @owner)
ON CONFLICT (entity_id, idempotency_key) DO NOTHING;

-- name: GetIdempotencyKey :one
SELECT * FROM idempotency_keys WHERE entity_id = @entity_id AND idempotency_key = @idempotency_key;

-- name: CompleteIdempotencyKey :execrows
-- Keeps the answer, unless another attempt has taken the key.
UPDATE idempotency_keys SET status = @status, header = @header, body = @body, digest = @digest
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

-- name: DeleteOwnersOpenIdempotencyKeys :execrows
-- Gives up the claims of an instance that has just begun to live again.
DELETE FROM idempotency_keys WHERE status = 0 AND owner = @owner;

-- name: DeleteCallersAnswers :many
-- Forgets the oldest answers of a caller, and says how long they were.
DELETE FROM idempotency_keys
WHERE (entity_id, idempotency_key) IN (
    SELECT k.entity_id, k.idempotency_key FROM idempotency_keys k
    WHERE k.entity_id = @entity_id AND k.status <> 0
    ORDER BY k.created_at
    LIMIT @limit_rows)
RETURNING CAST(length(body) AS INTEGER) AS bytes;

-- name: DeleteOldestAnswers :many
-- Forgets the oldest answers of all, and says how long they were.
DELETE FROM idempotency_keys
WHERE (entity_id, idempotency_key) IN (
    SELECT k.entity_id, k.idempotency_key FROM idempotency_keys k
    WHERE k.status <> 0
    ORDER BY k.created_at
    LIMIT @limit_rows)
RETURNING CAST(length(body) AS INTEGER) AS bytes;
