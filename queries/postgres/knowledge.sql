-- name: ClaimDocument :one
-- scope: system
-- The document that waits longest, or whose lease has expired.
UPDATE documents SET status = 'indexing', attempts = attempts + 1, lease_until = sqlc.arg(lease_until), updated_at = sqlc.arg(now)
WHERE documents.id = (
    SELECT d.id FROM documents d
    WHERE d.tenant = sqlc.arg(tenant) AND d.status IN ('queued', 'indexing') AND (d.status = 'queued' OR d.lease_until < sqlc.arg(now))
    ORDER BY d.created_at, d.id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *;

-- name: SearchPassages :many
-- scope: tenant
-- The numbers of an agent's passages that have one of the words, the best first. words has each in double quotes, with OR in between.
SELECT w.number FROM passage_words w
WHERE w.tenant = sqlc.arg(tenant)
  AND w.words @@ (quote_literal(CAST(sqlc.arg(agent_id) AS uuid)::text)::tsquery && websearch_to_tsquery('simple', CAST(sqlc.arg(words) AS text)))
ORDER BY ts_rank(w.words, websearch_to_tsquery('simple', CAST(sqlc.arg(words) AS text))) DESC, w.number
LIMIT sqlc.arg(limit_rows)::bigint;
