-- name: SearchMessages :many
-- Newest first: the messages that hold every word. words has each in double quotes, with spaces between.
SELECT sqlc.embed(messages), channels.message_server_id
FROM message_index
JOIN message_texts ON message_texts.docid = message_index.rowid
JOIN messages ON messages.id = message_texts.message_id
JOIN channels ON channels.id = messages.channel_id
WHERE message_index MATCH CAST(@words AS TEXT)
  AND (CAST(@any_channel AS BOOLEAN) OR messages.channel_id = @channel_id)
  AND (CAST(@any_author AS BOOLEAN) OR messages.author_id = @author_id)
  AND messages.created_at >= @from_time AND messages.created_at <= @to_time
ORDER BY messages.created_at DESC, messages.seq DESC, messages.id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: CountFoundMessages :one
-- How many messages a search finds, counted up to max_rows.
SELECT count(*) FROM (
    SELECT 1 FROM message_index
    JOIN message_texts ON message_texts.docid = message_index.rowid
    JOIN messages ON messages.id = message_texts.message_id
    WHERE message_index MATCH CAST(@words AS TEXT)
      AND (CAST(@any_channel AS BOOLEAN) OR messages.channel_id = @channel_id)
      AND (CAST(@any_author AS BOOLEAN) OR messages.author_id = @author_id)
      AND messages.created_at >= @from_time AND messages.created_at <= @to_time
    LIMIT @max_rows);

-- name: FilterChannelMessages :many
-- Newest first.
SELECT sqlc.embed(messages), channels.message_server_id
FROM messages
JOIN channels ON channels.id = messages.channel_id
WHERE messages.channel_id = @channel_id
  AND (CAST(@any_author AS BOOLEAN) OR messages.author_id = @author_id)
  AND messages.created_at >= @from_time AND messages.created_at <= @to_time
ORDER BY messages.created_at DESC, messages.seq DESC
LIMIT @limit_rows OFFSET @offset_rows;

-- name: CountChannelMessages :one
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE messages.channel_id = @channel_id
      AND (CAST(@any_author AS BOOLEAN) OR messages.author_id = @author_id)
      AND messages.created_at >= @from_time AND messages.created_at <= @to_time
    LIMIT @max_rows);

-- name: FilterAuthorMessages :many
-- Newest first.
SELECT sqlc.embed(messages), channels.message_server_id
FROM messages
JOIN channels ON channels.id = messages.channel_id
WHERE messages.author_id = @author_id AND messages.created_at >= @from_time AND messages.created_at <= @to_time
ORDER BY messages.created_at DESC, messages.seq DESC, messages.id
LIMIT @limit_rows OFFSET @offset_rows;

-- name: CountAuthorMessages :one
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE messages.author_id = @author_id AND messages.created_at >= @from_time AND messages.created_at <= @to_time
    LIMIT @max_rows);
