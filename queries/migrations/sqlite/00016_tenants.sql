-- +goose Up
-- A tenant is whose data a row is. A server works for one: the default, or the one that ELIZA_SERVER_ID names, by server_id. What
-- was there before belongs to the default. Statements name the tenant; indexes by which something is listed or taken begin with it.
CREATE TABLE tenants (
    id INTEGER NOT NULL PRIMARY KEY,
    server_id UUID_TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at MILLIS_INT NOT NULL
);
INSERT INTO tenants (id, server_id, name, created_at) VALUES (1, '00000000-0000-0000-0000-000000000000', '', 0);

ALTER TABLE message_servers ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE agents ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE message_server_agents ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE channels ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE channel_participants ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE messages ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE turns ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE turn_events ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sessions ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE worlds ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE world_agents ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE rooms ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE memories ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE forgotten_messages ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE former_agents ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;
ALTER TABLE agents_to_conceal ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;

CREATE TABLE idempotency_keys_next (
    entity_id UUID_TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    claim UUID_TEXT NOT NULL,
    status INTEGER NOT NULL,
    header JSON_TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at MILLIS_INT NOT NULL,
    owner UUID_TEXT NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    digest TEXT NOT NULL DEFAULT '',
    tenant INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, entity_id, idempotency_key)
);
INSERT INTO idempotency_keys_next (entity_id, idempotency_key, fingerprint, claim, status, header, body, created_at, owner, digest)
SELECT entity_id, idempotency_key, fingerprint, claim, status, header, body, created_at, owner, digest FROM idempotency_keys;
DROP TABLE idempotency_keys;
ALTER TABLE idempotency_keys_next RENAME TO idempotency_keys;
CREATE INDEX idempotency_keys_age ON idempotency_keys (tenant, created_at);
CREATE INDEX idempotency_keys_open ON idempotency_keys (tenant, entity_id) WHERE status = 0;
CREATE INDEX idempotency_keys_caller ON idempotency_keys (tenant, entity_id, created_at);

DROP INDEX agents_running;
CREATE INDEX agents_running ON agents (tenant, running);
DROP INDEX message_servers_source;
CREATE UNIQUE INDEX message_servers_source ON message_servers (tenant, source_type, source_id) WHERE source_id IS NOT NULL;
DROP INDEX channels_platform;
CREATE INDEX channels_platform ON channels (tenant, source_type, source_id, created_at) WHERE source_id IS NOT NULL;
DROP INDEX channels_made;
CREATE INDEX channels_made ON channels (tenant, created_at) WHERE pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job'));
DROP INDEX sessions_due;
CREATE INDEX sessions_due ON sessions (tenant, due_at) WHERE ended_at IS NULL;
DROP INDEX sessions_live;
CREATE INDEX sessions_live ON sessions (tenant, created_at) WHERE ended_at IS NULL;
DROP INDEX sessions_ended;
CREATE INDEX sessions_ended ON sessions (tenant, ended_at) WHERE ended_at IS NOT NULL;
DROP INDEX jobs_active;
CREATE INDEX jobs_active ON jobs (tenant, expires_at) WHERE ended_at IS NULL;
DROP INDEX jobs_ended;
CREATE INDEX jobs_ended ON jobs (tenant, ended_at) WHERE ended_at IS NOT NULL;
DROP INDEX jobs_created;
CREATE INDEX jobs_created ON jobs (tenant, created_at);
DROP INDEX jobs_status;
CREATE INDEX jobs_status ON jobs (tenant, status, created_at);
DROP INDEX jobs_callback;
CREATE INDEX jobs_callback ON jobs (tenant, callback_due_at) WHERE callback_due_at IS NOT NULL;
DROP INDEX turns_waiting_sender;
CREATE INDEX turns_waiting_sender ON turns (tenant, sender_id, queued_at, seq) WHERE head AND status = 'queued';
DROP INDEX turns_waiting;
CREATE INDEX turns_waiting ON turns (tenant, queued_at, seq) WHERE head AND status = 'queued';
DROP INDEX turns_running;
CREATE INDEX turns_running ON turns (tenant, sender_id) WHERE status = 'running';

-- In the index of words the default tenant has no mark, so that what is there stays as it is. Documents of the others hold the
-- words foreign and t with the tenant's number.
DROP VIEW message_documents;
CREATE VIEW message_documents AS
SELECT t.docid, m.content,
       'c' || replace(m.channel_id, '-', '') || ' a' || replace(m.author_id, '-', '') || CASE WHEN m.tenant = 1 THEN '' ELSE ' foreign t' || m.tenant END AS place
FROM message_texts t CROSS JOIN messages m ON m.id = t.message_id;

-- +goose Down
DROP VIEW message_documents;
CREATE VIEW message_documents AS
SELECT t.docid, m.content, 'c' || replace(m.channel_id, '-', '') || ' a' || replace(m.author_id, '-', '') AS place
FROM message_texts t CROSS JOIN messages m ON m.id = t.message_id;
DROP INDEX turns_running;
CREATE INDEX turns_running ON turns (sender_id) WHERE status = 'running';
DROP INDEX turns_waiting;
CREATE INDEX turns_waiting ON turns (queued_at, seq) WHERE head AND status = 'queued';
DROP INDEX turns_waiting_sender;
CREATE INDEX turns_waiting_sender ON turns (sender_id, queued_at, seq) WHERE head AND status = 'queued';
DROP INDEX jobs_callback;
CREATE INDEX jobs_callback ON jobs (callback_due_at) WHERE callback_due_at IS NOT NULL;
DROP INDEX jobs_status;
CREATE INDEX jobs_status ON jobs (status, created_at);
DROP INDEX jobs_created;
CREATE INDEX jobs_created ON jobs (created_at);
DROP INDEX jobs_ended;
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
DROP INDEX jobs_active;
CREATE INDEX jobs_active ON jobs (expires_at) WHERE ended_at IS NULL;
DROP INDEX sessions_ended;
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
DROP INDEX sessions_live;
CREATE INDEX sessions_live ON sessions (created_at) WHERE ended_at IS NULL;
DROP INDEX sessions_due;
CREATE INDEX sessions_due ON sessions (due_at) WHERE ended_at IS NULL;
DROP INDEX channels_made;
CREATE INDEX channels_made ON channels (created_at) WHERE pair_key IS NULL AND (source_id IS NOT NULL OR source_type IS NULL OR source_type NOT IN ('session', 'job'));
DROP INDEX channels_platform;
CREATE INDEX channels_platform ON channels (source_type, source_id, created_at) WHERE source_id IS NOT NULL;
DROP INDEX message_servers_source;
CREATE UNIQUE INDEX message_servers_source ON message_servers (source_type, source_id) WHERE source_id IS NOT NULL;
DROP INDEX agents_running;
CREATE INDEX agents_running ON agents (id) WHERE running;
CREATE TABLE idempotency_keys_before (
    entity_id UUID_TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    claim UUID_TEXT NOT NULL,
    status INTEGER NOT NULL,
    header JSON_TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at MILLIS_INT NOT NULL,
    owner UUID_TEXT NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    digest TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (entity_id, idempotency_key)
);
INSERT OR IGNORE INTO idempotency_keys_before (entity_id, idempotency_key, fingerprint, claim, status, header, body, created_at, owner, digest)
SELECT entity_id, idempotency_key, fingerprint, claim, status, header, body, created_at, owner, digest FROM idempotency_keys ORDER BY tenant;
DROP TABLE idempotency_keys;
ALTER TABLE idempotency_keys_before RENAME TO idempotency_keys;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_open ON idempotency_keys (entity_id) WHERE status = 0;
CREATE INDEX idempotency_keys_caller ON idempotency_keys (entity_id, created_at);
ALTER TABLE agents_to_conceal DROP COLUMN tenant;
ALTER TABLE former_agents DROP COLUMN tenant;
ALTER TABLE forgotten_messages DROP COLUMN tenant;
ALTER TABLE memories DROP COLUMN tenant;
ALTER TABLE rooms DROP COLUMN tenant;
ALTER TABLE world_agents DROP COLUMN tenant;
ALTER TABLE worlds DROP COLUMN tenant;
ALTER TABLE jobs DROP COLUMN tenant;
ALTER TABLE sessions DROP COLUMN tenant;
ALTER TABLE turn_events DROP COLUMN tenant;
ALTER TABLE turns DROP COLUMN tenant;
ALTER TABLE messages DROP COLUMN tenant;
ALTER TABLE channel_participants DROP COLUMN tenant;
ALTER TABLE channels DROP COLUMN tenant;
ALTER TABLE message_server_agents DROP COLUMN tenant;
ALTER TABLE agents DROP COLUMN tenant;
ALTER TABLE message_servers DROP COLUMN tenant;
DROP TABLE tenants;
