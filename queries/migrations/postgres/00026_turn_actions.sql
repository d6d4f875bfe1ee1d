-- +goose Up
-- What a turn has done, each before it is done and again when it has ended: a turn that is taken again, because the process died, does
-- nothing twice, and the next turns know what came of it.
CREATE TABLE turn_actions (
    turn_id uuid NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    position bigint NOT NULL,
    action text NOT NULL,
    parameters text NOT NULL,
    at bigint NOT NULL,
    ended_at bigint,
    failed boolean NOT NULL,
    result text NOT NULL,
    tenant bigint NOT NULL,
    PRIMARY KEY (turn_id, position)
);
ALTER TABLE turn_actions ENABLE ROW LEVEL SECURITY;
ALTER TABLE turn_actions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON turn_actions USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

-- +goose Down
DROP TABLE turn_actions;
