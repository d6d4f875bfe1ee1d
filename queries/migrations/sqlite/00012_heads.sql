-- +goose Up
-- The head of a mailbox is the one active turn of it that may run: exactly one of a mailbox with active turns is marked, and a
-- mark stays until its turn is over. A turn that comes into an empty mailbox is marked as it is inserted; when a marked turn
-- ends, the trigger marks the next. Turns are deleted only together with their mailboxes. So a claim reads heads, whatever
-- waits behind them.
ALTER TABLE turns ADD COLUMN head BOOLEAN NOT NULL DEFAULT false;
UPDATE turns SET head = true
WHERE status IN ('queued', 'running')
  AND NOT EXISTS (
      SELECT 1 FROM turns e
      WHERE e.agent_id = turns.agent_id AND e.channel_id = turns.channel_id AND e.seq < turns.seq AND e.status IN ('queued', 'running'));

-- +goose StatementBegin
CREATE TRIGGER turns_next AFTER UPDATE OF status ON turns
WHEN OLD.head AND OLD.status IN ('queued', 'running') AND NEW.status NOT IN ('queued', 'running') BEGIN
    UPDATE turns SET head = true
    WHERE id = (
        SELECT id FROM turns
        WHERE agent_id = NEW.agent_id AND channel_id = NEW.channel_id AND seq > 0 AND status IN ('queued', 'running')
        ORDER BY seq LIMIT 1);
END;
-- +goose StatementEnd

-- Heads that wait, by who asked and by age, and the turns that run: small indexes, for they hold no history.
CREATE INDEX turns_waiting_sender ON turns (sender_id, queued_at, seq) WHERE head AND status = 'queued';
CREATE INDEX turns_waiting ON turns (queued_at, seq) WHERE head AND status = 'queued';
CREATE INDEX turns_running ON turns (sender_id) WHERE status = 'running';
-- Active turns of a channel; turns_active has them by their agents. The condition is another, so that no planner mistakes one for the other.
CREATE INDEX turns_open ON turns (channel_id) WHERE ended_at IS NULL;
DROP VIEW turn_heads;

-- +goose Down
CREATE VIEW turn_heads AS
SELECT t.id, t.sender_id, t.status, t.lease_until, t.queued_at, t.seq,
       row_number() OVER (PARTITION BY t.sender_id ORDER BY CASE WHEN t.status = 'running' THEN 0 ELSE 1 END, t.queued_at, t.seq) AS place
FROM turns t
WHERE t.status IN ('queued', 'running')
  AND NOT EXISTS (
      SELECT 1 FROM turns e
      WHERE e.agent_id = t.agent_id AND e.channel_id = t.channel_id AND e.seq < t.seq AND e.status IN ('queued', 'running'));
DROP INDEX turns_open;
DROP INDEX turns_running;
DROP INDEX turns_waiting;
DROP INDEX turns_waiting_sender;
DROP TRIGGER turns_next;
ALTER TABLE turns DROP COLUMN head;
