-- name: ListSealedJobs :many
-- scope: system
-- The plus keeps SQLite from an index of all jobs of the tenant, which it would sort for every page.
SELECT id, callback_secret FROM jobs WHERE +tenant = @tenant AND id > @after ORDER BY id LIMIT @page_size;
