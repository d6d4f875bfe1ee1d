-- +goose Up
-- Since when the tenant's data is isolated by who takes part; null where it isn't. A server that was told to isolate doesn't start
-- without it unnoticed.
ALTER TABLE tenants ADD COLUMN isolated_at MILLIS_INT;
