-- name: ProofOfEntity :one
-- scope: system
-- What is known of an entity, and tells whether somebody has proven to be it.
SELECT CAST(EXISTS (SELECT 1 FROM agents a WHERE a.tenant = sqlc.arg(tenant) AND a.id = sqlc.arg(entity_id)) AS boolean) AS is_agent,
       CAST(EXISTS (SELECT 1 FROM former_agents f WHERE f.tenant = sqlc.arg(tenant) AND f.id = sqlc.arg(entity_id)) AS boolean) AS was_agent,
       CAST(EXISTS (SELECT 1 FROM users u WHERE u.tenant = sqlc.arg(tenant) AND u.id = sqlc.arg(entity_id)) AS boolean) AS is_user,
       CAST(EXISTS (SELECT 1 FROM api_keys k WHERE k.tenant = sqlc.arg(tenant) AND k.entity_id = sqlc.arg(entity_id)) AS boolean) AS has_key,
       CAST(EXISTS (SELECT 1 FROM audit_entries e WHERE e.tenant = sqlc.arg(tenant) AND e.entity_id = sqlc.arg(entity_id) AND e.proven) AS boolean) AS was_proven,
       CAST(EXISTS (SELECT 1 FROM channel_participants p WHERE p.tenant = sqlc.arg(tenant) AND p.entity_id = sqlc.arg(entity_id)) AS boolean) AS takes_part;

-- name: ListUnprovenEntities :many
-- scope: system
-- Who takes part in conversations and is neither an agent, nor somebody who was seen to prove who they are.
SELECT p.entity_id, count(*) AS channels,
       CAST((SELECT count(*) FROM messages m WHERE m.tenant = sqlc.arg(tenant) AND m.author_id = p.entity_id) AS bigint) AS messages
FROM channel_participants p
WHERE p.tenant = sqlc.arg(tenant)
  AND NOT EXISTS (SELECT 1 FROM agents a WHERE a.id = p.entity_id)
  AND NOT EXISTS (SELECT 1 FROM former_agents f WHERE f.id = p.entity_id)
  AND NOT EXISTS (SELECT 1 FROM users u WHERE u.tenant = sqlc.arg(tenant) AND u.id = p.entity_id)
  AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.tenant = sqlc.arg(tenant) AND k.entity_id = p.entity_id)
  AND NOT EXISTS (SELECT 1 FROM audit_entries e WHERE e.tenant = sqlc.arg(tenant) AND e.entity_id = p.entity_id AND e.proven)
GROUP BY p.entity_id
ORDER BY channels DESC, p.entity_id
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: ListEntityPairs :many
-- scope: system
-- The DMs of an entity that are found by their two participants.
SELECT c.id, c.message_server_id, c.name, c.metadata, c.pair_key FROM channel_participants p JOIN channels c ON c.id = p.channel_id
WHERE p.tenant = sqlc.arg(tenant) AND p.entity_id = sqlc.arg(entity_id) AND c.pair_key IS NOT NULL
ORDER BY c.id;

-- name: ChangePair :execrows
-- scope: system
UPDATE channels SET pair_key = sqlc.arg(pair_key), name = sqlc.arg(name), metadata = sqlc.arg(metadata) WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: HandOverParticipation :execrows
-- scope: system
-- Lets somebody take part where an entity does; where both do, nothing changes.
UPDATE channel_participants SET entity_id = sqlc.arg(heir_id)
WHERE channel_participants.tenant = sqlc.arg(tenant) AND channel_participants.entity_id = sqlc.arg(entity_id)
  AND NOT EXISTS (SELECT 1 FROM channel_participants o WHERE o.channel_id = channel_participants.channel_id AND o.entity_id = sqlc.arg(heir_id));

-- name: EndParticipation :execrows
-- scope: system
DELETE FROM channel_participants WHERE tenant = sqlc.arg(tenant) AND entity_id = sqlc.arg(entity_id);

-- name: HandOverMessages :execrows
-- scope: system
UPDATE messages SET author_id = sqlc.arg(heir_id) WHERE tenant = sqlc.arg(tenant) AND author_id = sqlc.arg(entity_id);

-- name: HandOverChannels :execrows
-- scope: system
UPDATE channels SET created_by = sqlc.arg(heir_id) WHERE tenant = sqlc.arg(tenant) AND created_by = sqlc.arg(entity_id);

-- name: HandOverTurns :execrows
-- scope: system
UPDATE turns SET sender_id = sqlc.arg(heir_id) WHERE tenant = sqlc.arg(tenant) AND sender_id = sqlc.arg(entity_id);

-- name: HandOverSessions :execrows
-- scope: system
UPDATE sessions SET user_id = sqlc.arg(heir_id) WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(entity_id);

-- name: HandOverJobs :execrows
-- scope: system
UPDATE jobs SET user_id = sqlc.arg(heir_id) WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(entity_id);

-- name: HandOverDialogues :execrows
-- scope: system
UPDATE dialogues SET user_id = sqlc.arg(heir_id) WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(entity_id);

-- name: HandOverMemories :execrows
-- scope: system
UPDATE memories SET entity_id = sqlc.arg(heir_id) WHERE tenant = sqlc.arg(tenant) AND entity_id = sqlc.arg(entity_id);
