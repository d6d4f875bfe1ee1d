-- name: ForgetDialogues :many
-- scope: system
-- Removes those whose time is over.
DELETE FROM dialogues WHERE channel_id = ANY (ARRAY(SELECT d.channel_id FROM dialogues d WHERE d.tenant = sqlc.arg(tenant) AND d.expires_at <= sqlc.arg(now) ORDER BY d.expires_at LIMIT sqlc.arg(limit_rows)::bigint))
RETURNING *;

-- name: ForgetUserDialogue :many
-- scope: tenant
-- Removes the one of a user that ends first.
DELETE FROM dialogues WHERE channel_id = ANY (ARRAY(SELECT d.channel_id FROM dialogues d WHERE d.tenant = sqlc.arg(tenant) AND d.user_id = sqlc.arg(user_id) ORDER BY d.expires_at LIMIT 1))
RETURNING *;

-- name: CountDialogues :one
-- scope: tenant
-- Counts up to at_most.
SELECT count(*) FROM (SELECT 1 FROM dialogues WHERE tenant = sqlc.arg(tenant) AND expires_at > 0 LIMIT sqlc.arg(at_most)::bigint) alive;

-- name: CountUserDialogues :one
-- scope: tenant
SELECT count(*) FROM (SELECT 1 FROM dialogues WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(user_id) AND expires_at > 0 LIMIT sqlc.arg(at_most)::bigint) alive;
