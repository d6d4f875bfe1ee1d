-- name: FilterChannelMessages :many
-- scope: viewer
-- Newest first.
SELECT sqlc.embed(messages), channels.message_server_id
FROM messages
JOIN channels ON channels.id = messages.channel_id
WHERE messages.tenant = sqlc.arg(tenant) AND messages.channel_id = sqlc.arg(channel_id)
  AND (CAST(sqlc.arg(any_author) AS boolean) OR messages.author_id = sqlc.arg(author_id))
  AND messages.created_at >= sqlc.arg(from_time) AND messages.created_at <= sqlc.arg(to_time)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)))
ORDER BY messages.created_at DESC, messages.seq DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: FilterAuthorMessages :many
-- scope: viewer
-- Newest first.
SELECT sqlc.embed(messages), channels.message_server_id
FROM messages
JOIN channels ON channels.id = messages.channel_id
WHERE messages.tenant = sqlc.arg(tenant) AND messages.author_id = sqlc.arg(author_id) AND messages.created_at >= sqlc.arg(from_time) AND messages.created_at <= sqlc.arg(to_time)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = messages.channel_id AND v.entity_id = sqlc.arg(viewer)))
ORDER BY messages.created_at DESC, messages.seq DESC, messages.id
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);
