-- name: InsertDialogue :exec
-- scope: tenant
INSERT INTO dialogues (tenant, channel_id, agent_id, user_id, message_id, name, heard, said, place, questions, created_at, expires_at)
VALUES (sqlc.arg(tenant), sqlc.arg(channel_id), sqlc.arg(agent_id), sqlc.arg(user_id), sqlc.arg(message_id), sqlc.arg(name), sqlc.arg(heard), NULL, NULL, sqlc.arg(questions), sqlc.arg(created_at), sqlc.arg(expires_at));

-- name: FindDialogue :one
-- scope: viewer
-- One in which exactly this was said.
SELECT * FROM dialogues
WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(user_id) AND agent_id = sqlc.arg(agent_id) AND said = sqlc.arg(said) AND expires_at > sqlc.arg(now)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer))
ORDER BY expires_at DESC
LIMIT 1;

-- name: FindNamedDialogue :one
-- scope: viewer
-- One of the chat that a client calls so, at this place of it.
SELECT * FROM dialogues
WHERE tenant = sqlc.arg(tenant) AND user_id = sqlc.arg(user_id) AND agent_id = sqlc.arg(agent_id) AND name = sqlc.arg(name) AND place = sqlc.arg(place) AND expires_at > sqlc.arg(now)
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer))
ORDER BY expires_at DESC
LIMIT 1;

-- name: FindMessageDialogue :one
-- scope: tenant
-- The one whose newest question a message is.
SELECT * FROM dialogues WHERE tenant = sqlc.arg(tenant) AND message_id = sqlc.arg(message_id);

-- name: ContinueDialogue :execrows
-- scope: viewer
-- Changes nothing if another question came first.
UPDATE dialogues
SET message_id = sqlc.arg(message_id), heard = sqlc.arg(heard), said = NULL, place = NULL, questions = sqlc.arg(questions), expires_at = sqlc.arg(expires_at)
WHERE tenant = sqlc.arg(tenant) AND channel_id = sqlc.arg(channel_id) AND message_id = sqlc.arg(last_message_id) AND said IS NOT NULL
  AND (CAST(sqlc.arg(everyone) AS boolean) OR user_id = sqlc.arg(viewer));

-- name: AnswerDialogue :execrows
-- scope: tenant
UPDATE dialogues SET said = sqlc.arg(said), place = sqlc.arg(place) WHERE tenant = sqlc.arg(tenant) AND message_id = sqlc.arg(message_id);

-- name: NewestDialogue :one
-- scope: system
-- No row when there is none.
SELECT created_at FROM dialogues WHERE tenant = sqlc.arg(tenant) ORDER BY created_at DESC LIMIT 1;

-- name: NextDialogueExpiry :one
-- scope: system
-- No row when there is none.
SELECT expires_at FROM dialogues WHERE tenant = sqlc.arg(tenant) ORDER BY expires_at LIMIT 1;

-- name: ShiftDialogues :exec
-- scope: system
-- Moves their times, after the clock jumped.
UPDATE dialogues SET created_at = created_at + CAST(sqlc.arg(by) AS bigint), expires_at = expires_at + CAST(sqlc.arg(by) AS bigint) WHERE tenant = sqlc.arg(tenant);
