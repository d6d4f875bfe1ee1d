-- +goose Up
-- What a turn has done, each before it is done and again when it has ended: a turn that is taken again, because the process died, does
-- nothing twice, and the next turns know what came of it.
CREATE TABLE turn_actions (
    turn_id UUID_TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    action TEXT NOT NULL,
    parameters TEXT NOT NULL,
    at MILLIS_INT NOT NULL,
    ended_at MILLIS_INT,
    failed BOOLEAN NOT NULL,
    result TEXT NOT NULL,
    tenant INTEGER NOT NULL,
    PRIMARY KEY (turn_id, position)
);

-- +goose Down
DROP TABLE turn_actions;
