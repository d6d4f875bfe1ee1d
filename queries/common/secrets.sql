-- name: UpsertSecretChange :exec
-- scope: tenant
-- Notes that a secret was given its value, which nobody has used yet.
INSERT INTO secret_times (tenant, agent_id, name, changed_at, last_used_at)
VALUES (sqlc.arg(tenant), sqlc.arg(agent_id), sqlc.arg(name), sqlc.arg(changed_at), NULL)
ON CONFLICT (agent_id, name) DO UPDATE SET changed_at = excluded.changed_at, last_used_at = NULL WHERE secret_times.tenant = excluded.tenant;

-- name: DeleteSecretTimes :exec
-- scope: tenant
DELETE FROM secret_times WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) AND name = sqlc.arg(name);

-- name: ListSecretTimes :many
-- scope: tenant
SELECT * FROM secret_times WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) ORDER BY name;

-- name: UpsertSecretUse :exec
-- scope: system
-- Notes that a secret was used, if nothing later is noted. An agent that is gone has none.
INSERT INTO secret_times (tenant, agent_id, name, changed_at, last_used_at)
SELECT a.tenant, a.id, CAST(sqlc.arg(name) AS text), NULL, sqlc.arg(last_used_at) FROM agents a WHERE a.tenant = sqlc.arg(tenant) AND a.id = sqlc.arg(agent_id)
ON CONFLICT (agent_id, name) DO UPDATE SET last_used_at = excluded.last_used_at
WHERE secret_times.tenant = excluded.tenant AND (secret_times.last_used_at IS NULL OR secret_times.last_used_at < excluded.last_used_at);

-- name: ListSealedAgents :many
-- scope: system
SELECT id, secrets FROM agents WHERE tenant = sqlc.arg(tenant) AND id > sqlc.arg(after) ORDER BY id LIMIT CAST(sqlc.arg(page_size) AS bigint);

-- name: ResealAgent :execrows
-- scope: system
-- Changes the key by which secrets are sealed, and nothing else.
UPDATE agents SET secrets = sqlc.arg(secrets) WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);

-- name: ResealJob :execrows
-- scope: system
UPDATE jobs SET callback_secret = sqlc.arg(callback_secret) WHERE tenant = sqlc.arg(tenant) AND id = sqlc.arg(id);
