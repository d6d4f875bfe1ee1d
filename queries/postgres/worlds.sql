-- name: GetAgentWorldForUpdate :one
-- Keeps others from changing the world until the transaction ends.
SELECT w.* FROM worlds w
WHERE w.id = sqlc.arg(id)
  AND w.agent_id = COALESCE((SELECT a.owner_id FROM world_agents a WHERE a.world_id = sqlc.arg(id) AND a.agent_id = sqlc.arg(agent_id)), sqlc.arg(agent_id))
FOR NO KEY UPDATE OF w;

-- name: CountAgentWorlds :one
SELECT count(*) FROM (SELECT 1 FROM worlds WHERE agent_id = sqlc.arg(agent_id) LIMIT sqlc.arg(at_most)::bigint) known;
