-- +goose Up
-- What calls of models took, by UTC day: of the whole server (the zero id), of each agent, of each person and in each room. The cost is
-- in billionths of a US dollar, without the calls whose price nobody knew. day is its first millisecond.
CREATE TABLE usage_days (
    kind text NOT NULL,
    day bigint NOT NULL,
    subject_id uuid NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    calls bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    cost bigint NOT NULL,
    unpriced_calls bigint NOT NULL,
    tenant bigint NOT NULL,
    PRIMARY KEY (tenant, kind, subject_id, day, provider, model)
);
ALTER TABLE usage_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_days FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON usage_days USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

-- +goose Down
DROP TABLE usage_days;
