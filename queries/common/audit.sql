-- name: UpsertAuditChain :one
-- scope: tenant
-- Takes the next number of the log, which locks the log against other entries until the transaction ends.
INSERT INTO audit_chains (tenant, last_seq, last_hash, dropped_seq, dropped_hash)
VALUES (sqlc.arg(tenant), 1, sqlc.arg(hash), 0, sqlc.arg(hash))
ON CONFLICT (tenant) DO UPDATE SET last_seq = audit_chains.last_seq + 1
RETURNING *;

-- name: InsertAuditEntry :exec
-- scope: tenant
INSERT INTO audit_entries (tenant, seq, at, since, times, action, operation, status, kind, proof, key_id, entity_id, proven, address, target_id, within_id, details, request_id, hash)
VALUES (sqlc.arg(tenant), sqlc.arg(seq), sqlc.arg(at), sqlc.arg(since), sqlc.arg(times), sqlc.arg(action), sqlc.arg(operation), sqlc.arg(status), sqlc.arg(kind), sqlc.arg(proof), sqlc.arg(key_id), sqlc.arg(entity_id), sqlc.arg(proven), sqlc.arg(address), sqlc.arg(target_id), sqlc.arg(within_id), sqlc.arg(details), sqlc.arg(request_id), sqlc.arg(hash));

-- name: EndAuditChain :exec
-- scope: tenant
-- Notes the hash of the last entry.
UPDATE audit_chains SET last_hash = sqlc.arg(hash) WHERE tenant = sqlc.arg(tenant);

-- name: GetAuditChain :one
-- scope: tenant
SELECT * FROM audit_chains WHERE tenant = sqlc.arg(tenant);

-- name: ListAuditEntries :many
-- scope: tenant
-- The newest first. An action stands for those below it, too, as key for key.create.
SELECT * FROM audit_entries
WHERE tenant = sqlc.arg(tenant) AND seq < sqlc.arg(before_seq)
  AND (CAST(sqlc.arg(any_action) AS boolean) OR action = sqlc.arg(action) OR action LIKE CAST(sqlc.arg(action) AS text) || '.%')
  AND (CAST(sqlc.arg(anybody) AS boolean) OR entity_id = sqlc.arg(who_id) OR key_id = sqlc.arg(who_id))
  AND (CAST(sqlc.arg(any_target) AS boolean) OR target_id = sqlc.arg(target_id) OR within_id = sqlc.arg(target_id))
  AND at >= sqlc.arg(from_time) AND at <= sqlc.arg(to_time)
ORDER BY seq DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: ListOldestAuditEntries :many
-- scope: system
SELECT * FROM audit_entries WHERE tenant = sqlc.arg(tenant) ORDER BY seq LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: DeleteAuditEntries :execrows
-- scope: system
DELETE FROM audit_entries WHERE tenant = sqlc.arg(tenant) AND seq <= sqlc.arg(up_to_seq);

-- name: BeginAuditChain :exec
-- scope: system
-- Notes the last entry that was dropped.
UPDATE audit_chains SET dropped_seq = sqlc.arg(seq), dropped_hash = sqlc.arg(hash) WHERE tenant = sqlc.arg(tenant) AND dropped_seq < sqlc.arg(seq);
