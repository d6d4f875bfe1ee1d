-- name: GetMessageForUpdate :one
-- scope: viewer
-- Keeps others from changing the message until the transaction ends.
SELECT * FROM messages WHERE messages.tenant = sqlc.arg(tenant) AND messages.id = sqlc.arg(id)
  AND (sqlc.arg(everyone)::boolean OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = messages.channel_id AND v.entity_id = sqlc.arg(viewer))) FOR NO KEY UPDATE;

-- name: FindClientMessage :one
-- scope: viewer
-- The message that a client recently sent under its own id, if any.
SELECT * FROM messages
WHERE messages.tenant = sqlc.arg(tenant) AND messages.channel_id = sqlc.arg(channel_id) AND source_id = sqlc.arg(source_id) AND author_id = sqlc.arg(author_id) AND content = sqlc.arg(content) AND created_at >= sqlc.arg(since)
  AND (sqlc.arg(everyone)::boolean OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)))
ORDER BY seq DESC
LIMIT 1;

-- name: ListRecentMessages :many
-- scope: tenant
-- Newest first: the conversation that an agent sees when it answers number up_to_seq. What others wrote later is left out,
-- the agent's own answers to earlier messages are not. Forgotten messages are left out; where the agent's memory of one was
-- edited, the text is in remembered.
-- Both are looked up for the messages that are read: a join would read them completely.
SELECT m.id, m.seq, m.author_id, m.author_name, m.raw_message, m.in_reply_to, m.source_type, m.metadata, m.created_at,
       coalesce((SELECT k.content ->> 'text' FROM memories k WHERE k.message_id = m.id AND k.agent_id = sqlc.arg(agent_id) AND k.edited), m.content)::text AS remembered
FROM messages m
WHERE m.tenant = sqlc.arg(tenant) AND m.channel_id = sqlc.arg(channel_id) AND (m.seq <= sqlc.arg(up_to_seq) OR m.author_id = sqlc.arg(agent_id))
  AND (SELECT true FROM forgotten_messages f WHERE f.message_id = m.id AND f.agent_id = sqlc.arg(agent_id)) IS NULL
ORDER BY m.seq DESC
LIMIT sqlc.arg(limit_rows)::bigint;

-- name: HasReplyWith :one
-- scope: tenant
-- Whether a reply to one of the author's newest messages since a point in time held the words, in any channel.
SELECT EXISTS (
    SELECT 1 FROM turns t JOIN messages r ON r.id = t.reply_id
    WHERE t.tenant = sqlc.arg(tenant) AND t.message_id = ANY (ARRAY(
        SELECT m.id FROM messages m
        WHERE m.tenant = sqlc.arg(tenant) AND m.author_id = sqlc.arg(author_id) AND m.created_at >= sqlc.arg(since)
        ORDER BY m.created_at DESC, m.seq DESC
        LIMIT sqlc.arg(limit_rows)::bigint))
      AND r.content LIKE '%' || sqlc.arg(words)::text || '%');
