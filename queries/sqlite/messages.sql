-- name: GetMessageForUpdate :one
-- scope: viewer
-- Keeps others from changing the message until the transaction ends.
SELECT * FROM messages WHERE messages.tenant = @tenant AND messages.id = @id
  AND (CAST(@everyone AS BOOLEAN) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = @tenant AND v.channel_id = messages.channel_id AND v.entity_id = @viewer));

-- name: FindClientMessage :one
-- scope: viewer
-- The message that a client recently sent under its own id, if any.
SELECT * FROM messages
WHERE messages.tenant = @tenant AND messages.channel_id = @channel_id AND source_id = @source_id AND +author_id = @author_id AND content = @content AND created_at >= @since
  AND (CAST(@everyone AS BOOLEAN) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = @tenant AND v.channel_id = @channel_id AND v.entity_id = @viewer))
ORDER BY +seq DESC -- the signs lead SQLite past all that the author and the channel have
LIMIT 1;

-- name: ListRecentMessages :many
-- scope: tenant
-- Newest first: the conversation that an agent sees when it answers number up_to_seq. What others wrote later is left out,
-- the agent's own answers to earlier messages are not. Forgotten messages are left out; where the agent's memory of one was
-- edited, the text is in remembered.
SELECT m.id, m.seq, m.author_id, m.author_name, m.raw_message, m.in_reply_to, m.source_type, m.metadata, m.created_at,
       CAST(coalesce(json_extract(k.content, '$.text'), m.content) AS TEXT) AS remembered
FROM messages m LEFT JOIN memories k ON k.message_id = m.id AND k.agent_id = @agent_id AND k.edited
WHERE m.tenant = @tenant AND m.channel_id = @channel_id AND (m.seq <= @up_to_seq OR m.author_id = @agent_id)
  AND NOT EXISTS (SELECT 1 FROM forgotten_messages f WHERE f.message_id = m.id AND f.agent_id = @agent_id)
ORDER BY m.seq DESC
LIMIT @limit_rows;

-- name: HasReplyWith :one
-- scope: tenant
-- Whether a reply to one of the author's newest messages since a point in time held the words, in any channel.
SELECT EXISTS (
    SELECT 1 FROM turns t JOIN messages r ON r.id = t.reply_id
    WHERE t.tenant = @tenant AND t.message_id IN (
        SELECT m.id FROM messages m
        WHERE m.tenant = @tenant AND m.author_id = @author_id AND m.created_at >= @since
        ORDER BY m.created_at DESC, m.seq DESC
        LIMIT @limit_rows)
      AND r.content LIKE '%' || CAST(@words AS TEXT) || '%');
