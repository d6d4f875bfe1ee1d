-- +goose Up
-- owner is the instance whose request is at work: when it starts again, the request has ended. digest tells the forms of one
-- key apart, whose content is known only when it was received.
ALTER TABLE idempotency_keys ADD COLUMN owner uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
ALTER TABLE idempotency_keys ADD COLUMN digest text NOT NULL DEFAULT '';
-- The oldest answers of a caller that has too many.
CREATE INDEX idempotency_keys_caller ON idempotency_keys (entity_id, created_at);

-- +goose Down
DROP INDEX idempotency_keys_caller;
ALTER TABLE idempotency_keys DROP COLUMN digest;
ALTER TABLE idempotency_keys DROP COLUMN owner;
