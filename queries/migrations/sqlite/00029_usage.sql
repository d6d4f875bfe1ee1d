-- +goose Up
-- What calls of models took, by UTC day: of the whole server (the zero id), of each agent, of each person and in each room. The cost is
-- in billionths of a US dollar, without the calls whose price nobody knew. day is its first millisecond.
CREATE TABLE usage_days (
    kind TEXT NOT NULL,
    day MILLIS_INT NOT NULL,
    subject_id UUID_TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    calls BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    unpriced_calls BIGINT NOT NULL,
    tenant INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, subject_id, day, provider, model)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE usage_days;
