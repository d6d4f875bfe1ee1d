-- name: GetChannelForUpdate :one
-- scope: viewer
-- Keeps others from changing the channel until the transaction ends.
SELECT * FROM channels WHERE channels.tenant = @tenant AND channels.id = @id
  AND (CAST(@everyone AS BOOLEAN) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = @tenant AND v.channel_id = @id AND v.entity_id = @viewer));

-- name: ListServerChannels :many
-- scope: viewer
-- Channels of sessions, jobs and dialogues are the server's own; they are listed only on request.
SELECT * FROM channels
WHERE tenant = @tenant AND message_server_id = @message_server_id
  AND (CAST(@include_internal AS BOOLEAN) OR (name NOT GLOB 'session-*' AND name NOT GLOB 'job-*' AND name NOT GLOB 'dialogue-*'))
  AND CAST(@everyone AS BOOLEAN)
ORDER BY updated_at DESC, id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: ListChannelAgents :many
-- scope: viewer
-- The agents that take part in a channel, and what decides whether each gets a turn: it must be running and attached to the
-- channel's message server. unanswered counts its active turns in the channel; the condition that their
-- seq is positive always holds, and makes SQLite use the index of active turns instead of all turns of the channel.
SELECT a.id, a.name, a.running,
       CAST(EXISTS (SELECT 1 FROM message_server_agents m WHERE m.agent_id = a.id AND m.message_server_id = c.message_server_id) AS BOOLEAN) AS attached,
       (SELECT count(*) FROM turns t WHERE t.agent_id = a.id AND t.channel_id = p.channel_id AND t.seq > 0 AND t.status IN ('queued', 'running')) AS unanswered
FROM channel_participants p
JOIN channels c ON c.id = p.channel_id
JOIN agents a ON a.id = p.entity_id
WHERE p.tenant = @tenant AND p.channel_id = @channel_id
  AND (CAST(@everyone AS BOOLEAN) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = @tenant AND v.channel_id = @channel_id AND v.entity_id = @viewer))
ORDER BY p.joined_at, a.id;

-- name: CountServerChannels :one
-- scope: viewer
-- How many channels a message server has, counted up to max_rows, without those of sessions, jobs and dialogues.
SELECT count(*) FROM (
    SELECT 1 FROM channels
    WHERE tenant = @tenant AND message_server_id = @message_server_id AND name NOT GLOB 'session-*' AND name NOT GLOB 'job-*' AND name NOT GLOB 'dialogue-*'
  AND CAST(@everyone AS BOOLEAN)
    LIMIT CAST(@max_rows AS INTEGER));

-- name: CountAllServerChannels :one
-- scope: viewer
-- The same, with those.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE tenant = @tenant AND message_server_id = @message_server_id
  AND CAST(@everyone AS BOOLEAN) LIMIT CAST(@max_rows AS INTEGER));

-- name: ListOwnServerChannels :many
-- scope: viewer
-- Of the channels that ListServerChannels lists, those in which the viewer takes part.
SELECT c.* FROM channel_participants v CROSS JOIN channels c ON c.id = v.channel_id
WHERE v.tenant = @tenant AND v.entity_id = @viewer AND c.tenant = @tenant AND c.message_server_id = @message_server_id
  AND (CAST(@include_internal AS BOOLEAN) OR (c.name NOT GLOB 'session-*' AND c.name NOT GLOB 'job-*' AND c.name NOT GLOB 'dialogue-*'))
ORDER BY c.updated_at DESC, c.id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: CountOwnServerChannels :one
-- scope: viewer
-- How many those are, counted up to max_rows.
SELECT count(*) FROM (
    SELECT 1 FROM channel_participants v CROSS JOIN channels c ON c.id = v.channel_id
    WHERE v.tenant = @tenant AND v.entity_id = @viewer AND c.tenant = @tenant AND c.message_server_id = @message_server_id
      AND (CAST(@include_internal AS BOOLEAN) OR (c.name NOT GLOB 'session-*' AND c.name NOT GLOB 'job-*' AND c.name NOT GLOB 'dialogue-*'))
    LIMIT CAST(@max_rows AS INTEGER));

-- name: CountMadeChannels :one
-- scope: tenant
-- Channels that callers made. Counts up to at_most, by exactly the condition of the index channels_made.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE tenant = @tenant AND created_at > 0 AND pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job', 'dialogue')) LIMIT @at_most);

-- name: CountDMs :one
-- scope: tenant
-- DMs of two entities. Counts up to at_most, as the following do.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE tenant = @tenant AND pair_key IS NOT NULL LIMIT @at_most);

-- name: CountCallerChannels :one
-- scope: tenant
-- Of the channels that CountMadeChannels counts, those of one caller.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE tenant = @tenant AND created_by = @caller AND pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job', 'dialogue')) LIMIT @at_most);

-- name: CountCallerDMs :one
-- scope: tenant
-- Of the channels that CountDMs counts, those of one caller.
SELECT count(*) FROM (SELECT 1 FROM channels WHERE tenant = @tenant AND created_by = @caller AND pair_key > '' AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job', 'dialogue')) LIMIT @at_most);

-- name: CountParticipants :one
-- scope: tenant
SELECT count(*) FROM (SELECT 1 FROM channel_participants WHERE tenant = @tenant AND channel_id = @channel_id LIMIT @at_most);
