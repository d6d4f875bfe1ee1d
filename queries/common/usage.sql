-- name: UpsertUsage :exec
-- scope: system
INSERT INTO usage_days (tenant, kind, day, subject_id, provider, model, calls, input_tokens, output_tokens, cached_tokens, cost, unpriced_calls)
VALUES (sqlc.arg(tenant), sqlc.arg(kind), sqlc.arg(day), sqlc.arg(subject_id), sqlc.arg(provider), sqlc.arg(model), sqlc.arg(calls), sqlc.arg(input_tokens), sqlc.arg(output_tokens), sqlc.arg(cached_tokens), sqlc.arg(cost), sqlc.arg(unpriced_calls))
ON CONFLICT (tenant, kind, subject_id, day, provider, model) DO UPDATE
SET calls = usage_days.calls + excluded.calls, input_tokens = usage_days.input_tokens + excluded.input_tokens, output_tokens = usage_days.output_tokens + excluded.output_tokens,
    cached_tokens = usage_days.cached_tokens + excluded.cached_tokens, cost = usage_days.cost + excluded.cost, unpriced_calls = usage_days.unpriced_calls + excluded.unpriced_calls;

-- name: SumUsage :one
-- scope: system
-- All that a subject used on one day.
SELECT CAST(coalesce(sum(input_tokens + output_tokens), 0) AS bigint) AS tokens, CAST(coalesce(sum(cost), 0) AS bigint) AS cost FROM usage_days
WHERE tenant = sqlc.arg(tenant) AND kind = sqlc.arg(kind) AND day = sqlc.arg(day) AND subject_id = sqlc.arg(subject_id);

-- name: ListAgentUsage :many
-- scope: tenant
-- The newest day first.
SELECT * FROM usage_days
WHERE tenant = sqlc.arg(tenant) AND kind = 'agent' AND subject_id = sqlc.arg(agent_id) AND day >= sqlc.arg(from_time) AND day <= sqlc.arg(to_time)
ORDER BY day DESC, provider DESC, model DESC
LIMIT CAST(sqlc.arg(limit_rows) AS bigint);

-- name: DeleteOldUsage :execrows
-- scope: system
DELETE FROM usage_days WHERE tenant = sqlc.arg(tenant) AND kind = sqlc.arg(kind) AND day < sqlc.arg(before);
