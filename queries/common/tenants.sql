-- name: EnsureTenant :one
-- scope: database
-- The number of the tenant of a server id, which is given out when the id is seen first.
INSERT INTO tenants (server_id, name, created_at) VALUES (sqlc.arg(server_id), sqlc.arg(name), sqlc.arg(created_at))
ON CONFLICT (server_id) DO UPDATE SET name = excluded.name
RETURNING id;

-- name: IsolatedSince :one
-- scope: system
SELECT isolated_at FROM tenants WHERE id = sqlc.arg(tenant);

-- name: NoteIsolation :execrows
-- scope: system
UPDATE tenants SET isolated_at = sqlc.arg(at) WHERE id = sqlc.arg(tenant) AND isolated_at IS NULL;

-- name: EndIsolation :exec
-- scope: system
UPDATE tenants SET isolated_at = NULL WHERE id = sqlc.arg(tenant);

-- name: ListTenants :many
-- scope: database
SELECT id, server_id, name, isolated_at FROM tenants ORDER BY id;

-- name: CountHoldings :one
-- scope: database
-- What a tenant holds, for its owner: all of it is visited.
SELECT CAST((SELECT count(*) FROM agents a WHERE a.tenant = sqlc.arg(tenant)) AS bigint) AS agents,
       CAST((SELECT count(*) FROM channels c WHERE c.tenant = sqlc.arg(tenant)) AS bigint) AS channels,
       CAST((SELECT count(*) FROM messages m WHERE m.tenant = sqlc.arg(tenant)) AS bigint) AS messages,
       CAST((SELECT count(*) FROM sessions s WHERE s.tenant = sqlc.arg(tenant)) AS bigint) AS sessions,
       CAST((SELECT count(*) FROM jobs j WHERE j.tenant = sqlc.arg(tenant)) AS bigint) AS jobs,
       CAST((SELECT count(*) FROM memories r WHERE r.tenant = sqlc.arg(tenant)) AS bigint) AS memories,
       CAST((SELECT count(*) FROM users u WHERE u.tenant = sqlc.arg(tenant)) AS bigint) AS users,
       CAST((SELECT count(*) FROM api_keys k WHERE k.tenant = sqlc.arg(tenant)) AS bigint) AS api_keys;

-- name: EstimateHoldings :one
-- scope: database
-- What a tenant holds, counted up to max_rows agents and channels, and of these channels the messages that were ever said there.
SELECT CAST((SELECT count(*) FROM (SELECT 1 FROM agents a WHERE a.tenant = sqlc.arg(tenant) LIMIT CAST(sqlc.arg(max_rows) AS bigint)) AS some_agents) AS bigint) AS agents,
       CAST(count(*) AS bigint) AS channels, CAST(coalesce(sum(last_seq), 0) AS bigint) AS messages
FROM (
    SELECT c.last_seq FROM message_servers s JOIN channels c ON c.message_server_id = s.id
    WHERE s.tenant = sqlc.arg(tenant) AND c.tenant = sqlc.arg(tenant)
    LIMIT CAST(sqlc.arg(max_rows) AS bigint)) AS some_channels;

-- name: NoteAdoption :exec
-- scope: system
INSERT INTO adoptions (tenant, server_id, adopted_at) VALUES (sqlc.arg(tenant), sqlc.arg(server_id), sqlc.arg(adopted_at));

-- name: NoteGiven :exec
-- scope: system
UPDATE tenants SET given = given + 1 WHERE id = sqlc.arg(tenant);

-- name: ListNamings :many
-- scope: system
-- The server ids under which the tenant's agents may have been named, its own last.
SELECT t.server_id, t.given, CAST(t.id = sqlc.arg(tenant) AS boolean) AS own FROM tenants t
WHERE t.id = sqlc.arg(tenant) OR t.server_id IN (SELECT a.server_id FROM adoptions a WHERE a.tenant = sqlc.arg(tenant))
ORDER BY own, server_id;
