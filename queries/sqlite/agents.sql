-- name: GetAgentForUpdate :one
-- scope: tenant
-- Keeps others from changing the agent until the transaction ends.
SELECT * FROM agents WHERE tenant = @tenant AND id = @id;

-- name: ListAgents :many
-- scope: tenant
SELECT * FROM agents WHERE tenant = @tenant ORDER BY name, id;

-- name: ListAgentHeads :many
-- scope: tenant
-- All agents without their characters; a version identifies each.
SELECT id, name, enabled, running, version, created_at, updated_at FROM agents WHERE tenant = @tenant ORDER BY name, id;

-- name: WhatHasID :one
-- scope: tenant
-- The kind of an id other than an agent's; empty for none. An agent that was deleted is no participant and no author.
SELECT CAST(CASE
    WHEN EXISTS (SELECT 1 FROM channels c WHERE c.tenant = @tenant AND c.id = @id) THEN 'channel'
    WHEN EXISTS (SELECT 1 FROM message_servers s WHERE s.tenant = @tenant AND s.id = @id) THEN 'message server'
    WHEN EXISTS (SELECT 1 FROM rooms r WHERE r.tenant = @tenant AND r.id = @id) THEN 'room'
    WHEN EXISTS (SELECT 1 FROM worlds w WHERE w.tenant = @tenant AND w.id = @id) THEN 'world'
    WHEN EXISTS (SELECT 1 FROM former_agents f WHERE f.tenant = @tenant AND f.id = @id) THEN ''
    WHEN EXISTS (SELECT 1 FROM channel_participants p WHERE p.tenant = @tenant AND p.entity_id = @id) THEN 'participant'
    WHEN EXISTS (SELECT 1 FROM messages m WHERE m.tenant = @tenant AND m.author_id = @id AND m.source_type NOT IN ('agent_response', 'agent_action')) THEN 'author'
    ELSE '' END AS TEXT) AS what;

-- name: NoteFormerAgent :exec
-- scope: tenant
-- Notes that a participant of channels, or an author in them, was an agent.
INSERT INTO former_agents (tenant, id, deleted_at)
SELECT CAST(@tenant AS INTEGER), @id, @deleted_at WHERE EXISTS (SELECT 1 FROM channel_participants p WHERE p.tenant = @tenant AND p.entity_id = @id)
    OR EXISTS (SELECT 1 FROM messages m WHERE m.tenant = @tenant AND m.author_id = @id AND m.source_type NOT IN ('agent_response', 'agent_action'))
ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at WHERE former_agents.tenant = excluded.tenant;
