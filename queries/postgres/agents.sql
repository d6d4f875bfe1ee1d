-- name: GetAgentForUpdate :one
-- scope: tenant
-- Keeps others from changing the agent until the transaction ends.
SELECT * FROM agents WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) FOR NO KEY UPDATE;

-- name: ListAgents :many
-- scope: tenant
SELECT * FROM agents WHERE tenant = sqlc.arg(tenant) ORDER BY name COLLATE "C", id;

-- name: ListAgentHeads :many
-- scope: tenant
-- All agents without their characters; a version identifies each.
SELECT id, name, enabled, running, version, created_at, updated_at FROM agents WHERE tenant = sqlc.arg(tenant) ORDER BY name COLLATE "C", id;

-- name: WhatHasID :one
-- scope: tenant
-- The kind of an id other than an agent's; empty for none. An agent that was deleted is no participant and no author. Where
-- there is an ORDER BY, it makes PostgreSQL use an index: it would scan the table when it expects many rows to match.
SELECT CAST(CASE
    WHEN EXISTS (SELECT 1 FROM channels c WHERE c.tenant = sqlc.arg(tenant) AND c.id = sqlc.arg(id)) THEN 'channel'
    WHEN EXISTS (SELECT 1 FROM message_servers s WHERE s.tenant = sqlc.arg(tenant) AND s.id = sqlc.arg(id)) THEN 'message server'
    WHEN EXISTS (SELECT 1 FROM rooms r WHERE r.tenant = sqlc.arg(tenant) AND r.id = sqlc.arg(id)) THEN 'room'
    WHEN EXISTS (SELECT 1 FROM worlds w WHERE w.tenant = sqlc.arg(tenant) AND w.id = sqlc.arg(id)) THEN 'world'
    WHEN EXISTS (SELECT 1 FROM former_agents f WHERE f.tenant = sqlc.arg(tenant) AND f.id = sqlc.arg(id)) THEN ''
    WHEN (SELECT true FROM channel_participants p WHERE p.tenant = sqlc.arg(tenant) AND p.entity_id = sqlc.arg(id) ORDER BY p.channel_id LIMIT 1) THEN 'participant'
    WHEN (SELECT true FROM messages m WHERE m.tenant = sqlc.arg(tenant) AND m.author_id = sqlc.arg(id) AND m.source_type NOT IN ('agent_response', 'agent_action') ORDER BY m.created_at LIMIT 1) THEN 'author'
    ELSE '' END AS text) AS what;

-- name: NoteFormerAgent :exec
-- scope: tenant
-- Notes that a participant of channels, or an author in them, was an agent.
INSERT INTO former_agents (tenant, id, deleted_at)
SELECT sqlc.arg(tenant)::bigint, sqlc.arg(id), sqlc.arg(deleted_at) WHERE (SELECT true FROM channel_participants p WHERE p.tenant = sqlc.arg(tenant) AND p.entity_id = sqlc.arg(id) ORDER BY p.channel_id LIMIT 1)
    OR (SELECT true FROM messages m WHERE m.tenant = sqlc.arg(tenant) AND m.author_id = sqlc.arg(id) AND m.source_type NOT IN ('agent_response', 'agent_action') ORDER BY m.created_at LIMIT 1)
ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at WHERE former_agents.tenant = excluded.tenant;
