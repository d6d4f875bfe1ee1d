-- name: InsertMessage :exec
-- scope: tenant
INSERT INTO messages (tenant, id, channel_id, seq, author_id, author_name, content, raw_message, in_reply_to, source_type, source_id, metadata, unhandled, created_at, updated_at)
VALUES (sqlc.arg(tenant), sqlc.arg(id), sqlc.arg(channel_id), sqlc.arg(seq), sqlc.arg(author_id), sqlc.arg(author_name), sqlc.arg(content), sqlc.arg(raw_message), sqlc.arg(in_reply_to), sqlc.arg(source_type), sqlc.arg(source_id), sqlc.arg(metadata), sqlc.arg(unhandled), sqlc.arg(created_at), sqlc.arg(updated_at));

-- name: GetMessage :one
-- scope: tenant
SELECT * FROM messages WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: ListMessagesBefore :many
-- scope: tenant
-- Newest first.
SELECT * FROM messages
WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id) AND created_at < sqlc.arg(before) AND created_at > sqlc.arg(after)
ORDER BY created_at DESC, seq DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: ListMessagesAfter :many
-- scope: tenant
-- Oldest first: the messages after a point in time, without a gap.
SELECT * FROM messages
WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id) AND created_at > sqlc.arg(after)
ORDER BY created_at, seq
LIMIT CAST(sqlc.arg(limit_rows) AS bigint) OFFSET CAST(sqlc.arg(offset_rows) AS bigint);

-- name: ListMessagesFromSeq :many
-- scope: tenant
-- Oldest first: the messages after number after_seq, which a reader has missed.
SELECT * FROM messages
WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id) AND seq > sqlc.arg(after_seq)
ORDER BY seq
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: DeleteMessage :execrows
-- scope: tenant
DELETE FROM messages WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id) AND channel_id = sqlc.arg(channel_id);

-- name: DeleteChannelMessages :execrows
-- scope: tenant
DELETE FROM messages WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id);

-- name: ListMessagesBeforeSeq :many
-- scope: tenant
-- Newest first: the messages before number before_seq.
SELECT * FROM messages
WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id) AND seq < sqlc.arg(before_seq)
ORDER BY seq DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: UpdateMessage :one
-- scope: tenant
-- updated_at never goes back.
UPDATE messages
SET content = sqlc.arg(content), raw_message = sqlc.arg(raw_message), in_reply_to = sqlc.arg(in_reply_to), source_type = sqlc.arg(source_type), metadata = sqlc.arg(metadata),
    updated_at = CASE WHEN updated_at < sqlc.arg(updated_at) THEN sqlc.arg(updated_at) ELSE updated_at END
WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id)
RETURNING *;
