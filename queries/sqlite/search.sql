-- name: SearchMessages :many
-- scope: viewer
-- Newest first: the messages that contain every word. words has each in double quotes, separated by spaces. The numbers of
-- documents are times followed by 20 other bits, which leaves 43 for the time. Those of the default tenant, 1, have no word for it; the
-- others' hold foreign and t with the tenant's number.
--
-- The index knows channels, not who takes part, and each channel that it is asked for costs as much as a hundred messages that are looked at. So of
-- what a viewer searches for in all channels, the newest messages of all are looked at first, as many as that. Only if they neither fill
-- the page nor are all there is, the index is asked for every channel of the viewer.
WITH asked AS (
    SELECT min(max(CAST(@from_time AS MILLIS_INT), 0), 8796093022207) << 20 AS first_id,
           min(CAST(@to_time AS MILLIS_INT), 8796093022207) << 20 | 1048575 AS last_id,
           CASE WHEN CAST(@tenant AS INTEGER) = 1 THEN '' ELSE 'place : t' || CAST(@tenant AS INTEGER) || ' AND ' END
           || CASE WHEN CAST(@any_channel AS BOOLEAN) THEN '' ELSE 'place : c' || replace(CAST(@channel_id AS UUID_TEXT), '-', '') || ' AND ' END
           || CASE WHEN CAST(@any_channel AS BOOLEAN) OR CAST(@everyone AS BOOLEAN)
                        OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = @tenant AND v.channel_id = @channel_id AND v.entity_id = @viewer)
                   THEN '' ELSE 'place : nowhere AND ' END
           || CASE WHEN CAST(@any_author AS BOOLEAN) THEN '' ELSE 'place : a' || replace(CAST(@author_id AS UUID_TEXT), '-', '') || ' AND ' END
           || 'content : (' || CAST(@words AS TEXT) || ')' || CASE WHEN CAST(@tenant AS INTEGER) = 1 THEN ' NOT place : foreign' ELSE '' END AS terms,
           CAST(@any_channel AS BOOLEAN) AND NOT CAST(@everyone AS BOOLEAN) AS own,
           100 * (SELECT count(*) FROM channel_participants v WHERE CAST(@any_channel AS BOOLEAN) AND NOT CAST(@everyone AS BOOLEAN) AND v.tenant = @tenant AND v.entity_id = @viewer) AS ahead
), near AS (
    SELECT walked.docid, walked.message_id FROM (
        SELECT t.docid, t.message_id, t.channel_id FROM message_index CROSS JOIN message_texts t ON t.docid = message_index.rowid
        WHERE message_index.rowid >= (SELECT asked.first_id FROM asked) AND message_index.rowid <= (SELECT asked.last_id FROM asked)
          AND message_index MATCH (SELECT asked.terms FROM asked)
        ORDER BY message_index.rowid DESC
        LIMIT (SELECT asked.ahead FROM asked)) AS walked
    WHERE walked.channel_id IN (SELECT v.channel_id FROM channel_participants v WHERE v.tenant = @tenant AND v.entity_id = @viewer)
    LIMIT CASE WHEN (SELECT asked.own FROM asked) THEN CAST(@limit_rows AS INTEGER) ELSE 0 END OFFSET CAST(@offset_rows AS INTEGER)
), far AS (
    SELECT t.docid, t.message_id FROM message_index CROSS JOIN message_texts t ON t.docid = message_index.rowid
    WHERE message_index.rowid >= (SELECT asked.first_id FROM asked) AND message_index.rowid <= (SELECT asked.last_id FROM asked)
      AND message_index MATCH (
          CASE WHEN (SELECT asked.own FROM asked)
               THEN 'place : (' || coalesce((SELECT group_concat('c' || replace(v.channel_id, '-', ''), ' OR ') FROM channel_participants v WHERE v.tenant = @tenant AND v.entity_id = @viewer), 'nowhere') || ') AND '
               ELSE '' END || (SELECT asked.terms FROM asked))
    ORDER BY message_index.rowid DESC
    LIMIT CASE WHEN (SELECT asked.own FROM asked) AND ((SELECT count(*) FROM near) = CAST(@limit_rows AS INTEGER) OR NOT EXISTS (
        SELECT 1 FROM message_index
        WHERE message_index.rowid >= (SELECT asked.first_id FROM asked) AND message_index.rowid <= (SELECT asked.last_id FROM asked)
          AND message_index MATCH (SELECT asked.terms FROM asked)
        LIMIT 1 OFFSET (SELECT asked.ahead FROM asked)))
               THEN 0 ELSE CAST(@limit_rows AS INTEGER) END OFFSET CAST(@offset_rows AS INTEGER)
), found AS (
    SELECT far.docid, far.message_id FROM far
    UNION ALL
    SELECT near.docid, near.message_id FROM near WHERE NOT EXISTS (SELECT 1 FROM far)
)
SELECT sqlc.embed(messages), channels.message_server_id
FROM found CROSS JOIN messages ON messages.id = found.message_id CROSS JOIN channels ON channels.id = messages.channel_id -- begins with the few
ORDER BY found.docid DESC;

-- name: CountFoundMessages :one
-- scope: viewer
-- How many messages a search finds, counted up to max_rows, in the same two ways.
WITH asked AS (
    SELECT min(max(CAST(@from_time AS MILLIS_INT), 0), 8796093022207) << 20 AS first_id,
           min(CAST(@to_time AS MILLIS_INT), 8796093022207) << 20 | 1048575 AS last_id,
           CASE WHEN CAST(@tenant AS INTEGER) = 1 THEN '' ELSE 'place : t' || CAST(@tenant AS INTEGER) || ' AND ' END
           || CASE WHEN CAST(@any_channel AS BOOLEAN) THEN '' ELSE 'place : c' || replace(CAST(@channel_id AS UUID_TEXT), '-', '') || ' AND ' END
           || CASE WHEN CAST(@any_channel AS BOOLEAN) OR CAST(@everyone AS BOOLEAN)
                        OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = @tenant AND v.channel_id = @channel_id AND v.entity_id = @viewer)
                   THEN '' ELSE 'place : nowhere AND ' END
           || CASE WHEN CAST(@any_author AS BOOLEAN) THEN '' ELSE 'place : a' || replace(CAST(@author_id AS UUID_TEXT), '-', '') || ' AND ' END
           || 'content : (' || CAST(@words AS TEXT) || ')' || CASE WHEN CAST(@tenant AS INTEGER) = 1 THEN ' NOT place : foreign' ELSE '' END AS terms,
           CAST(@any_channel AS BOOLEAN) AND NOT CAST(@everyone AS BOOLEAN) AS own,
           100 * (SELECT count(*) FROM channel_participants v WHERE CAST(@any_channel AS BOOLEAN) AND NOT CAST(@everyone AS BOOLEAN) AND v.tenant = @tenant AND v.entity_id = @viewer) AS ahead
), near AS (
    SELECT count(*) AS n FROM (
        SELECT 1 FROM (
            SELECT t.channel_id FROM message_index CROSS JOIN message_texts t ON t.docid = message_index.rowid
            WHERE message_index.rowid >= (SELECT asked.first_id FROM asked) AND message_index.rowid <= (SELECT asked.last_id FROM asked)
              AND message_index MATCH (SELECT asked.terms FROM asked)
            LIMIT (SELECT asked.ahead FROM asked)) AS walked
        WHERE walked.channel_id IN (SELECT v.channel_id FROM channel_participants v WHERE v.tenant = @tenant AND v.entity_id = @viewer)
        LIMIT CASE WHEN (SELECT asked.own FROM asked) THEN CAST(@max_rows AS INTEGER) ELSE 0 END)
), far AS (
    SELECT count(*) AS n FROM (
        SELECT 1 FROM message_index
        WHERE message_index.rowid >= (SELECT asked.first_id FROM asked) AND message_index.rowid <= (SELECT asked.last_id FROM asked)
          AND message_index MATCH (
          CASE WHEN (SELECT asked.own FROM asked)
               THEN 'place : (' || coalesce((SELECT group_concat('c' || replace(v.channel_id, '-', ''), ' OR ') FROM channel_participants v WHERE v.tenant = @tenant AND v.entity_id = @viewer), 'nowhere') || ') AND '
               ELSE '' END || (SELECT asked.terms FROM asked))
        LIMIT CASE WHEN (SELECT asked.own FROM asked) AND ((SELECT near.n FROM near) = CAST(@max_rows AS INTEGER) OR NOT EXISTS (
        SELECT 1 FROM message_index
        WHERE message_index.rowid >= (SELECT asked.first_id FROM asked) AND message_index.rowid <= (SELECT asked.last_id FROM asked)
          AND message_index MATCH (SELECT asked.terms FROM asked)
        LIMIT 1 OFFSET (SELECT asked.ahead FROM asked)))
                   THEN 0 ELSE CAST(@max_rows AS INTEGER) END)
)
SELECT CAST(max((SELECT near.n FROM near), (SELECT far.n FROM far)) AS INTEGER);

-- name: CountChannelMessages :one
-- scope: viewer
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE messages.tenant = @tenant AND messages.channel_id = @channel_id
      AND (CAST(@any_author AS BOOLEAN) OR messages.author_id = @author_id)
      AND messages.created_at >= @from_time AND messages.created_at <= @to_time
  AND (CAST(@everyone AS BOOLEAN) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = @tenant AND v.channel_id = @channel_id AND v.entity_id = @viewer))
    LIMIT @max_rows);

-- name: CountAuthorMessages :one
-- scope: viewer
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE messages.tenant = @tenant AND messages.author_id = @author_id AND messages.created_at >= @from_time AND messages.created_at <= @to_time
  AND (CAST(@everyone AS BOOLEAN) OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = @tenant AND v.channel_id = messages.channel_id AND v.entity_id = @viewer))
    LIMIT @max_rows);
