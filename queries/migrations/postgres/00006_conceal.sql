-- +goose Up
-- The agents whose characters may hold secrets by name in the clear, from before they were kept apart. What is in the list is
-- rewritten at the next start, which alone has the key; then the list is empty for ever.
CREATE TABLE agents_to_conceal (
    agent_id uuid NOT NULL PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE
);
INSERT INTO agents_to_conceal (agent_id) SELECT id FROM agents;

-- +goose Down
DROP TABLE agents_to_conceal;
