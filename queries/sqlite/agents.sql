-- name: GetAgentForUpdate :one
-- Keeps others from changing the agent until the transaction ends.
SELECT * FROM agents WHERE id = @id;

-- name: ListAgents :many
SELECT * FROM agents ORDER BY name, id;

-- name: ListAgentHeads :many
-- All agents without what they are made of, which a version stands for.
SELECT id, name, enabled, running, version, created_at, updated_at FROM agents ORDER BY name, id;

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
