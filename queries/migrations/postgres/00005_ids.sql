-- +goose Up
-- Agents name their worlds and rooms by ids that anybody can compute, so two may use the same: each has its own under it. An
-- agent shares at most one world of an id, that of owner_id.
ALTER TABLE world_agents DROP CONSTRAINT world_agents_world_id_fkey;
ALTER TABLE worlds DROP CONSTRAINT worlds_pkey;
ALTER TABLE worlds ADD PRIMARY KEY (id, agent_id);
ALTER TABLE world_agents ADD COLUMN owner_id uuid;
UPDATE world_agents s SET owner_id = w.agent_id FROM worlds w WHERE w.id = s.world_id;
ALTER TABLE world_agents ALTER COLUMN owner_id SET NOT NULL;
ALTER TABLE world_agents ADD CONSTRAINT world_agents_world_fkey
    FOREIGN KEY (world_id, owner_id) REFERENCES worlds (id, agent_id) ON DELETE CASCADE;
CREATE INDEX world_agents_owner ON world_agents (world_id, owner_id);

ALTER TABLE rooms DROP CONSTRAINT rooms_pkey;
ALTER TABLE rooms ADD PRIMARY KEY (id, agent_id);

-- Agents that were deleted. They still take part in channels, and may be made anew under their ids.
CREATE TABLE former_agents (
    id uuid NOT NULL PRIMARY KEY,
    deleted_at bigint NOT NULL
);
INSERT INTO former_agents (id, deleted_at)
SELECT m.author_id, max(m.created_at) FROM messages m
WHERE m.source_type = 'agent_response' AND NOT EXISTS (SELECT 1 FROM agents a WHERE a.id = m.author_id)
GROUP BY m.author_id;

-- How many agents run is asked at every health check.
CREATE INDEX agents_running ON agents (id) WHERE running;

-- +goose Down
DROP INDEX agents_running;
DROP TABLE former_agents;
DELETE FROM rooms r USING rooms o WHERE o.id = r.id AND (o.created_at, o.agent_id) < (r.created_at, r.agent_id);
ALTER TABLE rooms DROP CONSTRAINT rooms_pkey;
ALTER TABLE rooms ADD PRIMARY KEY (id);
DROP INDEX world_agents_owner;
ALTER TABLE world_agents DROP CONSTRAINT world_agents_world_fkey;
ALTER TABLE world_agents DROP COLUMN owner_id;
DELETE FROM worlds w USING worlds o WHERE o.id = w.id AND (o.created_at, o.agent_id) < (w.created_at, w.agent_id);
ALTER TABLE worlds DROP CONSTRAINT worlds_pkey;
ALTER TABLE worlds ADD PRIMARY KEY (id);
ALTER TABLE world_agents ADD CONSTRAINT world_agents_world_id_fkey FOREIGN KEY (world_id) REFERENCES worlds (id) ON DELETE CASCADE;
