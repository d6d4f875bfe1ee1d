-- +goose Up
-- When each secret of an agent was given its value, and when that was last used. Of secrets from before neither is known.
CREATE TABLE secret_times (
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    changed_at MILLIS_INT,
    last_used_at MILLIS_INT,
    tenant INTEGER NOT NULL,
    PRIMARY KEY (agent_id, name)
);

-- +goose Down
DROP TABLE secret_times;
