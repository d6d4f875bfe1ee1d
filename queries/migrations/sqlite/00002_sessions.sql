-- +goose Up
-- A session is the conversation of one person with one agent in a channel of its own, which ends when nobody speaks for a
-- while. It refers to its channel without a constraint, because it tells what became of it longer than the channel lives.
--
-- expires_at is renewed_at + timeout_ms, at most created_at + max_duration_ms. due_at is when a sweep has to look at the
-- session next: first when its end comes near (expires_at - warning_ms), and once that is told (warned_at), at its end.
CREATE TABLE sessions (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    agent_id UUID_TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    user_id UUID_TEXT NOT NULL,
    channel_id UUID_TEXT NOT NULL,
    metadata JSON_TEXT NOT NULL,
    timeout_ms INTEGER NOT NULL,
    max_duration_ms INTEGER NOT NULL,
    warning_ms INTEGER NOT NULL,
    auto_renew BOOLEAN NOT NULL,
    renewal_count INTEGER NOT NULL,
    created_at MILLIS_INT NOT NULL,
    active_at MILLIS_INT NOT NULL,
    renewed_at MILLIS_INT NOT NULL,
    expires_at MILLIS_INT NOT NULL,
    due_at MILLIS_INT NOT NULL,
    warned_at MILLIS_INT,
    ended_at MILLIS_INT,
    end_reason TEXT NOT NULL
);
CREATE UNIQUE INDEX sessions_channel ON sessions (channel_id);
CREATE INDEX sessions_agent ON sessions (agent_id);
CREATE INDEX sessions_due ON sessions (due_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_live ON sessions (created_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_user ON sessions (user_id, created_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- A job is one question to one agent, asked in a channel of its own. It ends with the turn of its message, in the same
-- transaction, or at expires_at. result is the answer as it was given: it outlives the message.
--
-- callback_due_at is when its end is to be announced to callback_url, for the first time or again; NULL when it isn't.
CREATE TABLE jobs (
    id UUID_TEXT NOT NULL PRIMARY KEY,
    agent_id UUID_TEXT NOT NULL,
    user_id UUID_TEXT NOT NULL,
    channel_id UUID_TEXT NOT NULL,
    message_id UUID_TEXT NOT NULL,
    content TEXT NOT NULL,
    metadata JSON_TEXT NOT NULL,
    status TEXT NOT NULL,
    result JSON_TEXT,
    error TEXT NOT NULL,
    callback_url TEXT,
    callback_secret JSON_TEXT,
    callback_attempts INTEGER NOT NULL,
    callback_due_at MILLIS_INT,
    callback_error TEXT NOT NULL,
    created_at MILLIS_INT NOT NULL,
    expires_at MILLIS_INT NOT NULL,
    ended_at MILLIS_INT
);
CREATE UNIQUE INDEX jobs_message ON jobs (message_id);
CREATE INDEX jobs_active ON jobs (expires_at) WHERE ended_at IS NULL;
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_created ON jobs (created_at);
CREATE INDEX jobs_status ON jobs (status, created_at);
CREATE INDEX jobs_user ON jobs (user_id, created_at);
CREATE INDEX jobs_callback ON jobs (callback_due_at) WHERE callback_due_at IS NOT NULL;

-- +goose Down
DROP TABLE jobs;
DROP TABLE sessions;
