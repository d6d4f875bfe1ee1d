-- +goose Up
-- A turn that runs is ended by its worker, who knows what was shown of the answer: others can only ask for it.
ALTER TABLE turns ADD COLUMN cancel_requested BOOLEAN NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE turns DROP COLUMN cancel_requested;
