-- name: InsertMessage :exec
-- scope: tenant
INSERT INTO messages (tenant, id, channel_id, seq, author_id, author_name, content, raw_message, in_reply_to, source_type, source_id, metadata, unhandled, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(channel_id), sqlc.arg(seq), sqlc.arg(author_id), sqlc.arg(author_name), sqlc.arg(content), sqlc.arg(raw_message), sqlc.arg(in_reply_to), sqlc.arg(source_type), sqlc.arg(source_id), sqlc.arg(metadata), sqlc.arg(unhandled), sqlc.arg(created_at), sqlc.arg(updated_at));

-- name: GetMessage :one
-- scope: viewer
SELECT * FROM messages WHERE messages.tenant = sqlc.arg(tenant) AND messages.id = sqlc.arg(id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = messages.channel_id AND v.entity_id = sqlc.arg(viewer)));

-- name: ListMessagesBefore :many
-- scope: viewer
-- Newest first.
SELECT * FROM messages
WHERE messages.tenant = sqlc.arg(tenant) AND messages.channel_id = sqlc.arg(channel_id) AND created_at < sqlc.arg(before) AND created_at > sqlc.arg(after)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)))
ORDER BY created_at DESC, seq DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: ListMessagesAfter :many
-- scope: viewer
-- Oldest first: the messages after a point in time, without a gap.
SELECT * FROM messages
WHERE messages.tenant = sqlc.arg(tenant) AND messages.channel_id = sqlc.arg(channel_id) AND created_at > sqlc.arg(after)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)))
ORDER BY created_at, seq
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: ListMessagesFromSeq :many
-- scope: viewer
-- Oldest first: the messages after number after_seq, which a reader has missed.
SELECT * FROM messages
WHERE messages.tenant = sqlc.arg(tenant) AND messages.channel_id = sqlc.arg(channel_id) AND seq > sqlc.arg(after_seq)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)))
ORDER BY seq
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: DeleteMessage :execrows
-- scope: viewer
DELETE FROM messages WHERE messages.tenant = sqlc.arg(tenant) AND messages.id = sqlc.arg(id) AND messages.channel_id = sqlc.arg(channel_id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)));

-- name: DeleteChannelMessages :execrows
-- scope: viewer
DELETE FROM messages WHERE messages.tenant = sqlc.arg(tenant) AND messages.channel_id = sqlc.arg(channel_id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)));

-- name: ListMessagesBeforeSeq :many
-- scope: viewer
-- Newest first: the messages before number before_seq.
SELECT * FROM messages
WHERE messages.tenant = sqlc.arg(tenant) AND messages.channel_id = sqlc.arg(channel_id) AND seq < sqlc.arg(before_seq)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)))
ORDER BY seq DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: UpdateMessage :one
-- scope: viewer
-- updated_at never goes back.
UPDATE messages
SET content = sqlc.arg(content), raw_message = sqlc.arg(raw_message), in_reply_to = sqlc.arg(in_reply_to), source_type = sqlc.arg(source_type), metadata = sqlc.arg(metadata),
    updated_at = CASE WHEN updated_at < sqlc.arg(updated_at) THEN sqlc.arg(updated_at) ELSE updated_at END
WHERE messages.tenant = sqlc.arg(tenant) AND messages.id = sqlc.arg(id)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = messages.channel_id AND v.entity_id = sqlc.arg(viewer)))
RETURNING *;
