-- name: InsertAgent :one
INSERT INTO agents (id, name, character, secrets, enabled, running, version, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(character), sqlc.arg(secrets), sqlc.arg(enabled), sqlc.arg(running), 1, sqlc.arg(created_at), sqlc.arg(updated_at))
RETURNING *;

-- name: GetAgent :one
SELECT * FROM agents WHERE id = sqlc.arg(id);

-- name: GetAgentHead :one
-- An agent without what it is made of, which its version stands for.
SELECT name, running, version FROM agents WHERE id = sqlc.arg(id);

-- name: GetAgentForUpdate :one
-- Keeps others from changing the agent until the transaction ends.
SELECT * FROM agents WHERE id = sqlc.arg(id) FOR NO KEY UPDATE;

-- name: ListAgents :many
SELECT * FROM agents ORDER BY name COLLATE "C", id;

-- name: ListAgentHeads :many
-- All agents without what they are made of, which a version stands for.
SELECT id, name, enabled, running, version, created_at, updated_at FROM agents ORDER BY name COLLATE "C", id;

-- name: CountAgents :one
SELECT count(*) FROM agents;

-- name: CountRunningAgents :one
SELECT count(*) FROM agents WHERE running;

-- name: UpdateAgent :one
-- Fails to find the row when somebody else changed it since version was read.
UPDATE agents
SET name = sqlc.arg(name), character = sqlc.arg(character), secrets = sqlc.arg(secrets), enabled = sqlc.arg(enabled), version = version + 1, updated_at = sqlc.arg(updated_at)
WHERE id = sqlc.arg(id) AND version = sqlc.arg(version)
RETURNING *;

-- name: SetAgentRunning :one
UPDATE agents SET running = sqlc.arg(running) WHERE id = sqlc.arg(id) RETURNING *;

-- name: DeleteAgent :execrows
DELETE FROM agents WHERE id = sqlc.arg(id);

-- name: GetFirstRunningAgent :one
-- The oldest agent that runs and serves a message server.
SELECT a.id FROM agents a
JOIN message_server_agents m ON m.agent_id = a.id
WHERE m.message_server_id = sqlc.arg(message_server_id) AND a.running
ORDER BY a.created_at, a.id
LIMIT 1;

-- name: WhatHasID :one
-- What an id stands for beside an agent; empty for nothing. An agent that was deleted is no participant and no author. Where
-- an order is asked for, it leads PostgreSQL to an index: it would walk the table when it expects many rows to fit.
SELECT CAST(CASE
    WHEN EXISTS (SELECT 1 FROM channels c WHERE c.id = sqlc.arg(id)) THEN 'channel'
    WHEN EXISTS (SELECT 1 FROM message_servers s WHERE s.id = sqlc.arg(id)) THEN 'message server'
    WHEN EXISTS (SELECT 1 FROM rooms r WHERE r.id = sqlc.arg(id)) THEN 'room'
    WHEN EXISTS (SELECT 1 FROM worlds w WHERE w.id = sqlc.arg(id)) THEN 'world'
    WHEN EXISTS (SELECT 1 FROM former_agents f WHERE f.id = sqlc.arg(id)) THEN ''
    WHEN (SELECT true FROM channel_participants p WHERE p.entity_id = sqlc.arg(id) ORDER BY p.channel_id LIMIT 1) THEN 'participant'
    WHEN (SELECT true FROM messages m WHERE m.author_id = sqlc.arg(id) AND m.source_type NOT IN ('agent_response', 'agent_action') ORDER BY m.created_at LIMIT 1) THEN 'author'
    ELSE '' END AS text) AS what;

-- name: NoteFormerAgent :exec
-- Remembers of one who takes part in channels, or wrote in them, that it was an agent.
INSERT INTO former_agents (id, deleted_at)
SELECT sqlc.arg(id), sqlc.arg(deleted_at) WHERE (SELECT true FROM channel_participants p WHERE p.entity_id = sqlc.arg(id) ORDER BY p.channel_id LIMIT 1)
    OR (SELECT true FROM messages m WHERE m.author_id = sqlc.arg(id) AND m.source_type NOT IN ('agent_response', 'agent_action') ORDER BY m.created_at LIMIT 1)
ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at;

-- name: ListAgentsToConceal :many
SELECT agent_id FROM agents_to_conceal WHERE agent_id > @after ORDER BY agent_id LIMIT @page_size::bigint;

-- name: ConcealAgent :execrows
-- Changes what is stored of an agent, and not what the agent is.
UPDATE agents SET character = @character, secrets = @secrets WHERE id = @id AND version = @version;

-- name: AgentConcealed :exec
DELETE FROM agents_to_conceal WHERE agent_id = @agent_id;
