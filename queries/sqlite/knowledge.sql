-- name: ClaimDocument :one
-- scope: system
-- The document that waits longest, or whose lease has expired.
UPDATE documents SET status = 'indexing', attempts = attempts + 1, lease_until = @lease_until, updated_at = @now
WHERE documents.id = (
    SELECT d.id FROM documents d
    WHERE d.tenant = @tenant AND d.status IN ('queued', 'indexing') AND (d.status = 'queued' OR d.lease_until < @now)
    ORDER BY d.created_at, d.id LIMIT 1)
RETURNING *;

-- name: SearchPassages :many
-- scope: tenant
-- The numbers of an agent's passages that have one of the words, the best first. words has each in double quotes, with OR in between.
SELECT p.number FROM passage_index CROSS JOIN passages p ON p.number = passage_index.rowid
WHERE p.tenant = @tenant
  AND passage_index MATCH ('place : a' || replace(CAST(@agent_id AS UUID_TEXT), '-', '') || ' AND terms : (' || CAST(@words AS TEXT) || ')')
ORDER BY bm25(passage_index, 1.0, 0.0), p.number
LIMIT @limit_rows;
