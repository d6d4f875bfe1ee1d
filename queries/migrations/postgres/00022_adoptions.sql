-- +goose Up
-- The server ids whose data a tenant has taken over. Agents that were named under one of them keep the ids that follow from it. given is how
-- often a tenant has given away all that it had, so that agents which are named after that get other ids.
ALTER TABLE tenants ADD COLUMN given bigint NOT NULL DEFAULT 0;
CREATE TABLE adoptions (
    server_id uuid NOT NULL,
    adopted_at bigint NOT NULL,
    tenant bigint NOT NULL,
    PRIMARY KEY (tenant, server_id, adopted_at)
);
ALTER TABLE adoptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE adoptions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON adoptions USING (tenant = nullif(current_setting('elizad.tenant', true), '')::bigint);

-- The words of a message go with it to another author. Those of a tenant are moved all at once by who moves the tenant's messages.
-- +goose StatementBegin
CREATE FUNCTION hand_over_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE message_words SET author_id = NEW.author_id WHERE message_id = NEW.id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER messages_handed_over AFTER UPDATE OF author_id ON messages FOR EACH ROW EXECUTE FUNCTION hand_over_words();

-- +goose Down
DROP TRIGGER messages_handed_over ON messages;
DROP FUNCTION hand_over_words();
DROP TABLE adoptions;
ALTER TABLE tenants DROP COLUMN given;
