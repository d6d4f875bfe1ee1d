-- name: InsertDocument :execrows
-- scope: tenant
-- Does nothing where the agent has a document at that place.
INSERT INTO documents (tenant, id, agent_id, source, place, title, media_type, hash, size, status, reason, passages, indexed, attempts, lease_until, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(agent_id), sqlc.arg(source), sqlc.arg(place), sqlc.arg(title), sqlc.arg(media_type), sqlc.arg(hash), sqlc.arg(size), sqlc.arg(status), sqlc.arg(reason), 0, 0, 0, 0, sqlc.arg(created_at), sqlc.arg(updated_at))
ON CONFLICT DO NOTHING;

-- name: InsertDocumentContent :exec
-- scope: tenant
INSERT INTO document_contents (tenant, document_id, content) VALUES (sqlc.arg(tenant), sqlc.arg(document_id), sqlc.arg(content));

-- name: GetDocument :one
-- scope: tenant
SELECT * FROM documents WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: ListDocuments :many
-- scope: tenant
-- Newest first.
SELECT * FROM documents WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id)
ORDER BY created_at DESC, id DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: MeasureDocuments :one
-- scope: tenant
-- How many documents an agent has, how many passages, and the bytes of what is still to be indexed.
SELECT count(*) AS documents, CAST(coalesce(sum(passages), 0) AS bigint) AS passages,
       CAST(coalesce(sum(CASE WHEN status IN ('queued', 'indexing') THEN size ELSE 0 END), 0) AS bigint) AS waiting
FROM documents WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id);

-- name: ListUnusedDocuments :many
-- scope: tenant
-- Those of a character's documents that can't be used, and why.
SELECT title, reason FROM documents
WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) AND status IN ('unsupported', 'failed') AND source <> 'upload'
ORDER BY title, id
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: DeleteDocument :execrows
-- scope: tenant
DELETE FROM documents WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND agent_id = sqlc.arg(agent_id);

-- name: HasPassages :one
-- scope: tenant
-- The order makes PostgreSQL use the index.
SELECT CAST((SELECT p.number FROM passages p WHERE p.tenant = sqlc.arg(tenant) AND p.agent_id = sqlc.arg(agent_id) ORDER BY p.number LIMIT 1) IS NOT NULL AS boolean);

-- name: ScanPassages :many
-- scope: tenant
-- The vectors of an agent's passages in one space, in the order of their numbers.
SELECT number, embedding FROM passages
WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) AND number > sqlc.arg(after_number) AND embedding_space = sqlc.arg(embedding_space)
ORDER BY number
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: GetPassage :one
-- scope: tenant
SELECT p.number, p.document_id, p.position, p.heading, p.content, p.embedding, p.embedding_space, d.title, d.source
FROM passages p JOIN documents d ON d.id = p.document_id
WHERE p.tenant = sqlc.arg(tenant) AND p.number = sqlc.arg(number) AND p.agent_id = sqlc.arg(agent_id);

-- name: ListKnowingAgents :many
-- scope: system
-- Agents whose characters have knowledge, or had some.
SELECT a.id FROM agents a
WHERE a.tenant = sqlc.arg(tenant) AND a.id > sqlc.arg(after)
  AND (CAST(a.character AS text) LIKE '%"knowledge"%' OR EXISTS (SELECT 1 FROM documents d WHERE d.tenant = sqlc.arg(tenant) AND d.agent_id = a.id AND d.source <> 'upload'))
ORDER BY a.id
LIMIT CAST(sqlc.arg(page_size) AS bigint);

-- name: ListCharacterDocuments :many
-- scope: system
SELECT id, source, place, hash, status FROM documents WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) AND source <> 'upload' ORDER BY id;

-- name: RequeueDocuments :exec
-- scope: system
-- Gives back what a dead process was indexing.
UPDATE documents SET status = 'queued', updated_at = sqlc.arg(updated_at) WHERE tenant = sqlc.arg(tenant) AND status = 'indexing';

-- name: GetDocumentContent :one
-- scope: system
SELECT content FROM document_contents WHERE tenant = sqlc.arg(tenant) AND document_id = sqlc.arg(id);

-- name: AdvanceDocument :execrows
-- scope: system
-- Notes how far the indexing of a document came, if it is still that of this attempt.
UPDATE documents SET passages = sqlc.arg(passages), indexed = sqlc.arg(indexed), lease_until = sqlc.arg(lease_until), updated_at = sqlc.arg(updated_at)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND status = 'indexing' AND hash = sqlc.arg(hash) AND attempts = sqlc.arg(attempt);

-- name: FinishDocument :execrows
-- scope: system
UPDATE documents SET status = sqlc.arg(status), reason = sqlc.arg(reason), passages = sqlc.arg(passages), indexed = sqlc.arg(passages), updated_at = sqlc.arg(updated_at)
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND status = 'indexing' AND hash = sqlc.arg(hash) AND attempts = sqlc.arg(attempt);

-- name: InsertPassage :exec
-- scope: system
INSERT INTO passages (tenant, document_id, agent_id, position, heading, content, terms, embedding, embedding_space)
VALUES (sqlc.arg(tenant), sqlc.arg(document_id), sqlc.arg(agent_id), sqlc.arg(position), sqlc.arg(heading), sqlc.arg(content), sqlc.arg(terms), sqlc.arg(embedding), sqlc.arg(embedding_space));

-- name: DeletePassages :exec
-- scope: system
DELETE FROM passages WHERE tenant = sqlc.arg(tenant) AND document_id = sqlc.arg(id);

-- name: DeleteDocumentContent :exec
-- scope: system
DELETE FROM document_contents WHERE tenant = sqlc.arg(tenant) AND document_id = sqlc.arg(id);
