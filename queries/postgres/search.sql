-- name: SearchMessages :many
-- Newest first: the messages that hold every word. words has each in double quotes, with spaces between.
SELECT sqlc.embed(messages), channels.message_server_id
FROM messages
JOIN channels ON channels.id = messages.channel_id
WHERE to_tsvector('simple', translate(messages.content, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                ')) @@ websearch_to_tsquery('simple', sqlc.arg(words)::text)
  AND (sqlc.arg(any_channel)::boolean OR messages.channel_id = sqlc.arg(channel_id))
  AND (sqlc.arg(any_author)::boolean OR messages.author_id = sqlc.arg(author_id))
  AND messages.created_at >= sqlc.arg(from_time) AND messages.created_at <= sqlc.arg(to_time)
ORDER BY messages.created_at DESC, messages.seq DESC, messages.id
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: CountFoundMessages :one
-- How many messages a search finds, counted up to max_rows.
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE to_tsvector('simple', translate(messages.content, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                ')) @@ websearch_to_tsquery('simple', sqlc.arg(words)::text)
      AND (sqlc.arg(any_channel)::boolean OR messages.channel_id = sqlc.arg(channel_id))
      AND (sqlc.arg(any_author)::boolean OR messages.author_id = sqlc.arg(author_id))
      AND messages.created_at >= sqlc.arg(from_time) AND messages.created_at <= sqlc.arg(to_time)
    LIMIT sqlc.arg(max_rows)::bigint) found;

-- name: FilterChannelMessages :many
-- Newest first.
SELECT sqlc.embed(messages), channels.message_server_id
FROM messages
JOIN channels ON channels.id = messages.channel_id
WHERE messages.channel_id = sqlc.arg(channel_id)
  AND (sqlc.arg(any_author)::boolean OR messages.author_id = sqlc.arg(author_id))
  AND messages.created_at >= sqlc.arg(from_time) AND messages.created_at <= sqlc.arg(to_time)
ORDER BY messages.created_at DESC, messages.seq DESC
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: CountChannelMessages :one
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE messages.channel_id = sqlc.arg(channel_id)
      AND (sqlc.arg(any_author)::boolean OR messages.author_id = sqlc.arg(author_id))
      AND messages.created_at >= sqlc.arg(from_time) AND messages.created_at <= sqlc.arg(to_time)
    LIMIT sqlc.arg(max_rows)::bigint) found;

-- name: FilterAuthorMessages :many
-- Newest first.
SELECT sqlc.embed(messages), channels.message_server_id
FROM messages
JOIN channels ON channels.id = messages.channel_id
WHERE messages.author_id = sqlc.arg(author_id) AND messages.created_at >= sqlc.arg(from_time) AND messages.created_at <= sqlc.arg(to_time)
ORDER BY messages.created_at DESC, messages.seq DESC, messages.id
LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint;

-- name: CountAuthorMessages :one
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE messages.author_id = sqlc.arg(author_id) AND messages.created_at >= sqlc.arg(from_time) AND messages.created_at <= sqlc.arg(to_time)
    LIMIT sqlc.arg(max_rows)::bigint) found;
