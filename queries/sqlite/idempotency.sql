-- name: DeleteOldIdempotencyKeys :execrows
-- A few at a time: each new key removes more than it adds.
DELETE FROM idempotency_keys
WHERE (entity_id, idempotency_key) IN (
    SELECT k.entity_id, k.idempotency_key FROM idempotency_keys k
    WHERE k.created_at < @before
    ORDER BY k.created_at
    LIMIT @limit_rows);

-- name: DeleteCallersAnswers :many
-- Deletes the oldest answers of a caller, and returns their sizes.
DELETE FROM idempotency_keys
WHERE (entity_id, idempotency_key) IN (
    SELECT k.entity_id, k.idempotency_key FROM idempotency_keys k
    WHERE k.entity_id = @entity_id AND k.status <> 0
    ORDER BY k.created_at
    LIMIT @limit_rows)
RETURNING CAST(length(body) AS INTEGER) AS bytes;

-- name: DeleteOldestAnswers :many
-- Deletes the oldest answers of all callers, and returns their sizes.
DELETE FROM idempotency_keys
WHERE (entity_id, idempotency_key) IN (
    SELECT k.entity_id, k.idempotency_key FROM idempotency_keys k
    WHERE k.status <> 0
    ORDER BY k.created_at
    LIMIT @limit_rows)
RETURNING CAST(length(body) AS INTEGER) AS bytes;
