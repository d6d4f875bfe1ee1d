-- name: InsertMessage :exec
INSERT INTO messages (id, channel_id, seq, author_id, author_name, content, raw_message, in_reply_to, source_type, source_id, metadata, unhandled, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(channel_id), sqlc.arg(seq), sqlc.arg(author_id), sqlc.arg(author_name), sqlc.arg(content), sqlc.arg(raw_message), sqlc.arg(in_reply_to), sqlc.arg(source_type), sqlc.arg(source_id), sqlc.arg(metadata), sqlc.arg(unhandled), sqlc.arg(created_at), sqlc.arg(updated_at));

-- name: GetMessage :one
SELECT * FROM messages WHERE id = sqlc.arg(id);

-- name: GetMessageForUpdate :one
-- Keeps others from changing the message until the transaction ends.
SELECT * FROM messages WHERE id = sqlc.arg(id) FOR NO KEY UPDATE;

-- name: FindClientMessage :one
-- The message that a client already sent under its own id, if it did so recently.
SELECT * FROM messages
WHERE channel_id = sqlc.arg(channel_id) AND source_id = sqlc.arg(source_id) AND author_id = sqlc.arg(author_id) AND content = sqlc.arg(content) AND created_at >= sqlc.arg(since)
ORDER BY seq DESC
LIMIT 1;

-- name: ListMessagesBefore :many
-- Newest first.
SELECT * FROM messages
WHERE channel_id = sqlc.arg(channel_id) AND created_at < sqlc.arg(before) AND created_at > sqlc.arg(after)
ORDER BY created_at DESC, seq DESC
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: ListMessagesAfter :many
-- Oldest first: what follows a point in time, without a gap.
SELECT * FROM messages
WHERE channel_id = sqlc.arg(channel_id) AND created_at > sqlc.arg(after)
ORDER BY created_at, seq
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: ListMessagesFromSeq :many
-- Oldest first: what a reader who knows the number after_seq has missed.
SELECT * FROM messages
WHERE channel_id = sqlc.arg(channel_id) AND seq > sqlc.arg(after_seq)
ORDER BY seq
LIMIT sqlc.arg(limit_rows)::bigint;

-- name: ListRecentMessages :many
-- Newest first: the conversation that an agent sees when it answers number up_to_seq. What others wrote later is left out,
-- what the agent itself answered to earlier messages is not. What it was made to forget it doesn't see; of what it remembers
-- in other words than were said, the text is in remembered.
-- Both are looked up for the messages that are read: joined, they would be read whole.
SELECT m.id, m.seq, m.author_id, m.author_name, m.raw_message, m.in_reply_to, m.source_type, m.metadata, m.created_at,
       coalesce((SELECT k.content ->> 'text' FROM memories k WHERE k.message_id = m.id AND k.agent_id = sqlc.arg(agent_id) AND k.edited), m.content)::text AS remembered
FROM messages m
WHERE m.channel_id = sqlc.arg(channel_id) AND (m.seq <= sqlc.arg(up_to_seq) OR m.author_id = sqlc.arg(agent_id))
  AND (SELECT true FROM forgotten_messages f WHERE f.message_id = m.id AND f.agent_id = sqlc.arg(agent_id)) IS NULL
ORDER BY m.seq DESC
LIMIT sqlc.arg(limit_rows)::bigint;

-- name: WasTold :one
-- Whether a reply to one of the author's newest messages since a point in time held the words, in any channel.
SELECT EXISTS (
    SELECT 1 FROM turns t JOIN messages r ON r.id = t.reply_id
    WHERE t.message_id = ANY (ARRAY(
        SELECT m.id FROM messages m
        WHERE m.author_id = sqlc.arg(author_id) AND m.created_at >= sqlc.arg(since)
        ORDER BY m.created_at DESC, m.seq DESC
        LIMIT sqlc.arg(limit_rows)::bigint))
      AND r.content LIKE '%' || sqlc.arg(words)::text || '%');

-- name: DeleteMessage :execrows
DELETE FROM messages WHERE id = sqlc.arg(id) AND channel_id = sqlc.arg(channel_id);

-- name: DeleteChannelMessages :execrows
DELETE FROM messages WHERE channel_id = sqlc.arg(channel_id);

-- name: ListMessagesBeforeSeq :many
-- Newest first: what comes before number before_seq.
SELECT * FROM messages
WHERE channel_id = sqlc.arg(channel_id) AND seq < sqlc.arg(before_seq)
ORDER BY seq DESC
LIMIT sqlc.arg(limit_rows)::bigint;

-- name: UpdateMessage :one
-- updated_at never goes back.
UPDATE messages
SET content = sqlc.arg(content), raw_message = sqlc.arg(raw_message), in_reply_to = sqlc.arg(in_reply_to), source_type = sqlc.arg(source_type), metadata = sqlc.arg(metadata),
    updated_at = CASE WHEN updated_at < sqlc.arg(updated_at) THEN sqlc.arg(updated_at) ELSE updated_at END
WHERE id = sqlc.arg(id)
RETURNING *;
