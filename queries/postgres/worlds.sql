-- name: GetAgentWorldForUpdate :one
-- scope: tenant
-- Keeps others from changing the world until the transaction ends.
SELECT w.* FROM worlds w
WHERE w.tenant = sqlc.arg(tenant) AND w.id = sqlc.arg(id)
  AND w.agent_id = COALESCE((SELECT a.owner_id FROM world_agents a WHERE a.world_id = sqlc.arg(id) AND a.agent_id = sqlc.arg(agent_id)), sqlc.arg(agent_id))
FOR NO KEY UPDATE OF w;

-- name: CountAgentWorlds :one
-- scope: tenant
SELECT count(*) FROM (SELECT 1 FROM worlds WHERE tenant = sqlc.arg(tenant) AND agent_id = sqlc.arg(agent_id) LIMIT sqlc.arg(at_most)::bigint) known;
