-- name: ForgetDialogues :many
-- scope: system
-- Removes those whose time is over.
DELETE FROM dialogues WHERE channel_id IN (SELECT d.channel_id FROM dialogues d WHERE d.tenant = @tenant AND d.expires_at <= @now ORDER BY d.expires_at LIMIT @limit_rows)
RETURNING *;

-- name: ForgetUserDialogue :many
-- scope: tenant
-- Removes the one of a user that ends first.
DELETE FROM dialogues WHERE channel_id IN (SELECT d.channel_id FROM dialogues d WHERE d.tenant = @tenant AND d.user_id = @user_id ORDER BY d.expires_at LIMIT 1)
RETURNING *;

-- name: CountDialogues :one
-- scope: tenant
-- Counts up to at_most.
SELECT count(*) FROM (SELECT 1 FROM dialogues WHERE tenant = @tenant AND expires_at > 0 LIMIT @at_most);

-- name: CountUserDialogues :one
-- scope: tenant
SELECT count(*) FROM (SELECT 1 FROM dialogues WHERE tenant = @tenant AND user_id = @user_id AND expires_at > 0 LIMIT @at_most);
