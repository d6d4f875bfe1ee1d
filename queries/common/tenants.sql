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
SELECT server_id, name FROM tenants ORDER BY id;
