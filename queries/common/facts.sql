-- name: InsertFactSource :execrows
-- scope: tenant
INSERT INTO fact_sources (tenant, memory_id, message_id, agent_id, channel_id)
SELECT m.tenant, sqlc.arg(memory_id), m.id, sqlc.arg(agent_id), m.channel_id FROM messages m WHERE m.tenant = sqlc.arg(tenant) AND m.id = sqlc.arg(message_id)
ON CONFLICT (memory_id, message_id) DO NOTHING;

-- name: ListEntityFacts :many
-- scope: tenant
-- What an agent keeps about an entity that told it of it, newest first.
SELECT m.id, m.entity_id, m.content, m.metadata, m.updated_at FROM memories m
WHERE m.tenant = sqlc.arg(tenant) AND m.agent_id = sqlc.arg(agent_id) AND m.entity_id = sqlc.arg(entity_id) AND m.table_name = 'facts'
  AND EXISTS (SELECT 1 FROM fact_sources s JOIN messages told ON told.id = s.message_id WHERE s.memory_id = m.id AND told.author_id = sqlc.arg(entity_id))
ORDER BY m.updated_at DESC, m.id DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: ListChannelFacts :many
-- scope: tenant
-- What an agent was told in a channel, newest first. A fact that was told often is there as often.
SELECT m.id, m.entity_id, m.content, m.metadata, m.updated_at FROM fact_sources s JOIN memories m ON m.id = s.memory_id
WHERE s.tenant = sqlc.arg(tenant) AND s.channel_id = sqlc.arg(channel_id) AND s.agent_id = sqlc.arg(agent_id)
ORDER BY s.message_id DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: ListOldFacts :many
-- scope: tenant
-- The facts that an agent keeps about an entity beyond the newest keep_rows of them.
SELECT m.id FROM memories m
WHERE m.tenant = sqlc.arg(tenant) AND m.agent_id = sqlc.arg(agent_id) AND m.entity_id = sqlc.arg(entity_id) AND m.table_name = 'facts'
ORDER BY m.updated_at DESC, m.id DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(keep_rows) AS bigint);

-- name: GetReflection :one
-- scope: tenant
SELECT * FROM reflections WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id) AND agent_id = sqlc.arg(agent_id);

-- name: UpsertReflection :exec
-- scope: tenant
-- Does nothing where the channel or the agent is gone, or has been looked at further meanwhile.
INSERT INTO reflections (tenant, agent_id, channel_id, seq, tries)
SELECT c.tenant, a.id, c.id, sqlc.arg(seq), sqlc.arg(tries) FROM channels c JOIN agents a ON a.tenant = c.tenant
WHERE c.tenant = sqlc.arg(tenant) AND c.id = sqlc.arg(channel_id) AND a.id = sqlc.arg(agent_id)
ON CONFLICT (channel_id, agent_id) DO UPDATE SET seq = excluded.seq, tries = excluded.tries WHERE reflections.seq <= excluded.seq;
