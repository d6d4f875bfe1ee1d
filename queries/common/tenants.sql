-- name: EnsureTenant :one
-- scope: database
-- The number of the tenant of a server id, which is given out when the id is seen first.
INSERT INTO tenants (server_id, name, created_at) VALUES (sqlc.arg(server_id), sqlc.arg(name), sqlc.arg(created_at))
ON CONFLICT (server_id) DO UPDATE SET name = excluded.name
RETURNING id;
