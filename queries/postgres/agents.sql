-- name: GetAgentForUpdate :one
-- Keeps others from changing the agent until the transaction ends.
SELECT * FROM agents WHERE id = sqlc.arg(id) FOR NO KEY UPDATE;

-- name: ListAgents :many
SELECT * FROM agents ORDER BY name COLLATE "C", id;

-- name: ListAgentHeads :many
-- All agents without what they are made of, which a version stands for.
SELECT id, name, enabled, running, version, created_at, updated_at FROM agents ORDER BY name COLLATE "C", id;

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
