-- +goose Up
-- When each secret of an agent was given its value, and when that was last used. Of secrets from before neither is known.
CREATE TABLE secret_times (
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    name text NOT NULL,
    changed_at bigint,
    last_used_at bigint,
    tenant bigint NOT NULL,
    PRIMARY KEY (agent_id, name)
);
ALTER TABLE secret_times ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret_times FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON secret_times USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

-- +goose Down
DROP TABLE secret_times;
