-- name: GetChannelForUpdate :one
-- scope: viewer
-- Keeps others from changing the channel until the transaction ends.
SELECT * FROM channels WHERE channels.tenant = sqlc.arg(tenant) AND channels.id = sqlc.arg(id)
  AND (sqlc.arg(everyone)::boolean OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(id) AND v.entity_id = sqlc.arg(viewer))) FOR NO KEY UPDATE;

-- name: ListServerChannels :many
-- scope: viewer
-- Channels of sessions, jobs and dialogues are the server's own; they are listed only on request.
SELECT * FROM channels
WHERE tenant = sqlc.arg(tenant) AND message_server_id = sqlc.arg(message_server_id)
  AND (sqlc.arg(include_internal)::boolean OR (name NOT LIKE 'session-%' AND name NOT LIKE 'job-%' AND name NOT LIKE 'dialogue-%'))
  AND sqlc.arg(everyone)::boolean
ORDER BY updated_at DESC, id
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: ListChannelAgents :many
-- scope: viewer
-- The agents that take part in a channel, and what decides whether each gets a turn: it must be running and attached to the
-- channel's message server. unanswered counts its active turns in the channel.
SELECT a.id, a.name, a.running,
       (EXISTS (SELECT 1 FROM message_server_agents m WHERE m.agent_id = a.id AND m.message_server_id = c.message_server_id))::boolean AS attached,
       (SELECT count(*) FROM turns t WHERE t.agent_id = a.id AND t.channel_id = p.channel_id AND t.status IN ('queued', 'running')) AS unanswered
FROM channel_participants p
JOIN channels c ON c.id = p.channel_id
JOIN agents a ON a.id = p.entity_id
WHERE p.tenant = sqlc.arg(tenant) AND p.channel_id = sqlc.arg(channel_id)
  AND (sqlc.arg(everyone)::boolean OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)))
ORDER BY p.joined_at, a.id;

-- name: CountServerChannels :one
-- scope: viewer
-- How many channels a message server has, counted up to max_rows, without those of sessions, jobs and dialogues.
SELECT count(*) FROM (
    SELECT 1 FROM channels
    WHERE tenant = sqlc.arg(tenant) AND message_server_id = sqlc.arg(message_server_id) AND name NOT LIKE 'session-%' AND name NOT LIKE 'job-%' AND name NOT LIKE 'dialogue-%'
  AND sqlc.arg(everyone)::boolean
    LIMIT sqlc.arg(max_rows)::bigint) AS listed;

-- name: CountAllServerChannels :one
-- scope: viewer
-- The same, with those.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE tenant = sqlc.arg(tenant) AND message_server_id = sqlc.arg(message_server_id)
  AND sqlc.arg(everyone)::boolean LIMIT sqlc.arg(max_rows)::bigint) AS listed;

-- name: ListOwnServerChannels :many
-- scope: viewer
-- Of the channels that ListServerChannels lists, those in which the viewer takes part. A join would read all channels.
SELECT c.* FROM channels c
WHERE c.id = ANY (ARRAY(SELECT v.channel_id FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.entity_id = sqlc.arg(viewer)))
  AND c.tenant = sqlc.arg(tenant) AND c.message_server_id = sqlc.arg(message_server_id)
  AND (sqlc.arg(include_internal)::boolean OR (c.name NOT LIKE 'session-%' AND c.name NOT LIKE 'job-%' AND c.name NOT LIKE 'dialogue-%'))
ORDER BY c.updated_at DESC, c.id
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: CountOwnServerChannels :one
-- scope: viewer
-- How many those are, counted up to max_rows.
SELECT count(*) FROM (
    SELECT 1 FROM channels c
    WHERE c.id = ANY (ARRAY(SELECT v.channel_id FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.entity_id = sqlc.arg(viewer)))
      AND c.tenant = sqlc.arg(tenant) AND c.message_server_id = sqlc.arg(message_server_id)
      AND (sqlc.arg(include_internal)::boolean OR (c.name NOT LIKE 'session-%' AND c.name NOT LIKE 'job-%' AND c.name NOT LIKE 'dialogue-%'))
    LIMIT sqlc.arg(max_rows)::bigint) AS listed;

-- name: CountMadeChannels :one
-- scope: tenant
-- Channels that callers made. Counts up to at_most, by exactly the condition of the index channels_made.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE tenant = sqlc.arg(tenant) AND created_at > 0 AND pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job', 'dialogue')) LIMIT sqlc.arg(at_most)::bigint) made;

-- name: CountDMs :one
-- scope: tenant
-- DMs of two entities. Counts up to at_most, as the following do.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE tenant = sqlc.arg(tenant) AND pair_key IS NOT NULL LIMIT sqlc.arg(at_most)::bigint) made;

-- name: CountCallerChannels :one
-- scope: tenant
-- Of the channels that CountMadeChannels counts, those of one caller.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE tenant = sqlc.arg(tenant) AND created_by = sqlc.arg(caller) AND pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job', 'dialogue')) LIMIT sqlc.arg(at_most)::bigint) made;

-- name: CountCallerDMs :one
-- scope: tenant
-- Of the channels that CountDMs counts, those of one caller.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE tenant = sqlc.arg(tenant) AND created_by = sqlc.arg(caller) AND pair_key > '' AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job', 'dialogue')) LIMIT sqlc.arg(at_most)::bigint) made;

-- name: CountParticipants :one
-- scope: tenant
SELECT count(*) FROM (SELECT 1 FROM channel_participants WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id) LIMIT sqlc.arg(at_most)::bigint) here;
