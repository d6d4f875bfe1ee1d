-- +goose Up
-- The heads of mailboxes: active turns with no earlier active turn of the same agent in the same channel. place counts those of
-- one sender, from 1, the running ones first.
CREATE VIEW turn_heads AS
SELECT t.id, t.sender_id, t.status, t.lease_until, t.queued_at, t.seq,
       row_number() OVER (PARTITION BY t.sender_id ORDER BY CASE WHEN t.status = 'running' THEN 0 ELSE 1 END, t.queued_at, t.seq) AS place
FROM turns t
WHERE t.status IN ('queued', 'running')
  AND NOT EXISTS (
      SELECT 1 FROM turns e
      WHERE e.agent_id = t.agent_id AND e.channel_id = t.channel_id AND e.seq < t.seq AND e.status IN ('queued', 'running'));

-- What one caller made, so that it can be counted.
CREATE INDEX channels_creator ON channels (created_by, pair_key) WHERE created_by IS NOT NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job'));
CREATE INDEX jobs_user_active ON jobs (user_id) WHERE ended_at IS NULL;
CREATE INDEX rooms_made ON rooms (agent_id) WHERE channel_id IS NULL;

-- +goose Down
DROP INDEX rooms_made;
DROP INDEX jobs_user_active;
DROP INDEX channels_creator;
DROP VIEW turn_heads;
