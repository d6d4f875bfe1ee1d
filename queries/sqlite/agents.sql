-- name: GetAgentForUpdate :one
-- Keeps others from changing the agent until the transaction ends.
SELECT * FROM agents WHERE id = @id;

-- name: ListAgents :many
SELECT * FROM agents ORDER BY name, id;

-- name: ListAgentHeads :many
-- All agents without their characters; a version identifies each.
SELECT id, name, enabled, running, version, created_at, updated_at FROM agents ORDER BY name, id;

-- name: WhatHasID :one
-- The kind of an id other than an agent's; empty for none. An agent that was deleted is no participant and no author.
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
-- Notes that a participant of channels, or an author in them, was an agent.
INSERT INTO former_agents (id, deleted_at)
SELECT @id, @deleted_at WHERE EXISTS (SELECT 1 FROM channel_participants p WHERE p.entity_id = @id)
    OR EXISTS (SELECT 1 FROM messages m WHERE m.author_id = @id AND m.source_type NOT IN ('agent_response', 'agent_action'))
ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at;
