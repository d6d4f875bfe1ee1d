-- name: InsertAgent :one
INSERT INTO agents (id, name, character, secrets, enabled, running, version, created_at, updated_at)
VALUES (@id, @name, @character, @secrets, @enabled, @running, 1, @created_at, @updated_at)
RETURNING *;

-- name: GetAgent :one
SELECT * FROM agents WHERE id = @id;

-- name: GetAgentHead :one
-- An agent without what it is made of, which its version stands for.
SELECT name, running, version FROM agents WHERE id = @id;

-- name: GetAgentForUpdate :one
-- Keeps others from changing the agent until the transaction ends.
SELECT * FROM agents WHERE id = @id;

-- name: ListAgents :many
SELECT * FROM agents ORDER BY name, id;

-- name: ListAgentHeads :many
-- All agents without what they are made of, which a version stands for.
SELECT id, name, enabled, running, version, created_at, updated_at FROM agents ORDER BY name, id;

-- name: CountAgents :one
SELECT count(*) FROM agents;

-- name: CountRunningAgents :one
SELECT count(*) FROM agents WHERE running;

-- name: UpdateAgent :one
-- Fails to find the row when somebody else changed it since version was read.
UPDATE agents
SET name = @name, character = @character, secrets = @secrets, enabled = @enabled, version = version + 1, updated_at = @updated_at
WHERE id = @id AND version = @version
RETURNING *;

-- name: SetAgentRunning :one
UPDATE agents SET running = @running WHERE id = @id RETURNING *;

-- name: DeleteAgent :execrows
DELETE FROM agents WHERE id = @id;

-- name: GetFirstRunningAgent :one
-- The oldest agent that runs and serves a message server.
SELECT a.id FROM agents a
JOIN message_server_agents m ON m.agent_id = a.id
WHERE m.message_server_id = @message_server_id AND a.running
ORDER BY a.created_at, a.id
LIMIT 1;

-- name: WhatHasID :one
-- What an id stands for beside an agent; empty for nothing. An agent that was deleted is no participant and no author.
SELECT CAST(CASE
    WHEN EXISTS (SELECT 1 FROM channels c WHERE c.id = @id) THEN 'channel'
    WHEN EXISTS (SELECT 1 FROM message_servers s WHERE s.id = @id) THEN 'message server'
    WHEN EXISTS (SELECT 1 FROM rooms r WHERE r.id = @id) THEN 'room'
    WHEN EXISTS (SELECT 1 FROM worlds w WHERE w.id = @id) THEN 'world'
    WHEN EXISTS (SELECT 1 FROM former_agents f WHERE f.id = @id) THEN ''
    WHEN EXISTS (SELECT 1 FROM channel_participants p WHERE p.entity_id = @id) THEN 'participant'
    WHEN EXISTS (SELECT 1 FROM messages m WHERE m.author_id = @id AND m.source_type NOT IN ('agent_response', 'agent_action')) THEN 'author'
    ELSE '' END AS TEXT) AS what;

-- name: NoteFormerAgent :exec
-- Remembers of one who takes part in channels, or wrote in them, that it was an agent.
INSERT INTO former_agents (id, deleted_at)
SELECT @id, @deleted_at WHERE EXISTS (SELECT 1 FROM channel_participants p WHERE p.entity_id = @id)
    OR EXISTS (SELECT 1 FROM messages m WHERE m.author_id = @id AND m.source_type NOT IN ('agent_response', 'agent_action'))
ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at;

-- name: ListAgentsToConceal :many
SELECT agent_id FROM agents_to_conceal WHERE agent_id > @after ORDER BY agent_id LIMIT @page_size;

-- name: ConcealAgent :execrows
-- Changes what is stored of an agent, and not what the agent is.
UPDATE agents SET character = @character, secrets = @secrets WHERE id = @id AND version = @version;

-- name: AgentConcealed :exec
DELETE FROM agents_to_conceal WHERE agent_id = @agent_id;
