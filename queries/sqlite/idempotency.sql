-- name: DeleteOldIdempotencyKeys :execrows
-- scope: tenant
-- A few at a time: each new key removes more than it adds.
DELETE FROM idempotency_keys
WHERE (tenant, entity_id, idempotency_key) IN (
    SELECT k.tenant, k.entity_id, k.idempotency_key FROM idempotency_keys k
    WHERE k.tenant = @tenant AND k.created_at < @before
    ORDER BY k.created_at
    LIMIT @limit_rows);

-- name: DeleteCallersAnswers :many
-- scope: tenant
-- Deletes the oldest answers of a caller, and returns their sizes.
DELETE FROM idempotency_keys
WHERE (tenant, entity_id, idempotency_key) IN (
    SELECT k.tenant, k.entity_id, k.idempotency_key FROM idempotency_keys k
    WHERE k.tenant = @tenant AND k.entity_id = @entity_id AND k.status <> 0
    ORDER BY k.created_at
    LIMIT @limit_rows)
RETURNING CAST(length(body) AS INTEGER) AS bytes;

-- name: DeleteOldestAnswers :many
-- scope: tenant
-- Deletes the oldest answers of all callers, and returns their sizes.
DELETE FROM idempotency_keys
WHERE (tenant, entity_id, idempotency_key) IN (
    SELECT k.tenant, k.entity_id, k.idempotency_key FROM idempotency_keys k
    WHERE k.tenant = @tenant AND k.status <> 0
    ORDER BY k.created_at
    LIMIT @limit_rows)
RETURNING CAST(length(body) AS INTEGER) AS bytes;
