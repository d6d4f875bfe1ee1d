-- name: DeleteOldIdempotencyKeys :execrows
-- scope: tenant
-- A few at a time: each new key removes more than it adds.
DELETE FROM idempotency_keys
WHERE ctid = ANY (ARRAY(
    SELECT k.ctid FROM idempotency_keys k
    WHERE k.tenant = sqlc.arg(tenant) AND k.created_at < sqlc.arg(before)
    ORDER BY k.created_at
    LIMIT sqlc.arg(limit_rows)::bigint));

-- name: DeleteCallersAnswers :many
-- scope: tenant
-- Deletes the oldest answers of a caller, and returns their sizes.
DELETE FROM idempotency_keys
WHERE ctid = ANY (ARRAY(
    SELECT k.ctid FROM idempotency_keys k
    WHERE k.tenant = sqlc.arg(tenant) AND k.entity_id = sqlc.arg(entity_id) AND k.status <> 0
    ORDER BY k.created_at
    LIMIT sqlc.arg(limit_rows)::bigint))
RETURNING octet_length(body)::bigint AS bytes;

-- name: DeleteOldestAnswers :many
-- scope: tenant
-- Deletes the oldest answers of all callers, and returns their sizes.
DELETE FROM idempotency_keys
WHERE ctid = ANY (ARRAY(
    SELECT k.ctid FROM idempotency_keys k
    WHERE k.tenant = sqlc.arg(tenant) AND k.status <> 0
    ORDER BY k.created_at
    LIMIT sqlc.arg(limit_rows)::bigint))
RETURNING octet_length(body)::bigint AS bytes;
