-- name: GetAgentWorldForUpdate :one
-- scope: tenant
-- Keeps others from changing the world until the transaction ends.
SELECT w.* FROM worlds w
WHERE w.tenant = @tenant AND w.id = @id
  AND w.agent_id = COALESCE((SELECT a.owner_id FROM world_agents a WHERE a.world_id = @id AND a.agent_id = @agent_id), @agent_id);

-- name: CountAgentWorlds :one
-- scope: tenant
SELECT count(*) FROM (SELECT 1 FROM worlds WHERE tenant = @tenant AND agent_id = @agent_id LIMIT @at_most);
