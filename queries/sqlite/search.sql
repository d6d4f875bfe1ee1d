-- name: SearchMessages :many
-- scope: viewer
-- Newest first: the messages that contain every word. words has each in double quotes, separated by spaces. The numbers of
-- documents are times followed by 20 other bits, which leaves 43 for the time. Those of the default tenant, 1, have no word for it; the
-- others' hold foreign and t with the tenant's number.
SELECT sqlc.embed(messages), channels.message_server_id
FROM (
    SELECT message_texts.docid, message_texts.message_id
    FROM message_index CROSS JOIN message_texts ON message_texts.docid = message_index.rowid
    WHERE message_index.rowid >= min(max(CAST(@from_time AS MILLIS_INT), 0), 8796093022207) << 20
      AND message_index.rowid <= min(CAST(@to_time AS MILLIS_INT), 8796093022207) << 20 | 1048575
      AND message_index MATCH (
          CASE WHEN CAST(@tenant AS INTEGER) = 1 THEN '' ELSE 'place : t' || CAST(@tenant AS INTEGER) || ' AND ' END
          || CASE WHEN CAST(@any_channel AS BOOLEAN) THEN '' ELSE 'place : c' || replace(CAST(@channel_id AS UUID_TEXT), '-', '') || ' AND ' END
          || CASE WHEN CAST(@everyone AS BOOLEAN) THEN ''
                  WHEN NOT CAST(@any_channel AS BOOLEAN) THEN CASE WHEN EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = @tenant AND v.channel_id = @channel_id AND v.entity_id = @viewer) THEN '' ELSE 'place : nowhere AND ' END
                  ELSE 'place : (' || coalesce((SELECT group_concat('c' || replace(v.channel_id, '-', ''), ' OR ') FROM channel_participants v WHERE v.tenant = @tenant AND v.entity_id = @viewer), 'nowhere') || ') AND ' END
          || CASE WHEN CAST(@any_author AS BOOLEAN) THEN '' ELSE 'place : a' || replace(CAST(@author_id AS UUID_TEXT), '-', '') || ' AND ' END
          || 'content : (' || CAST(@words AS TEXT) || ')' || CASE WHEN CAST(@tenant AS INTEGER) = 1 THEN ' NOT place : foreign' ELSE '' END)
    ORDER BY message_index.rowid DESC
    LIMIT CAST(@limit_rows AS INTEGER) OFFSET CAST(@offset_rows AS INTEGER)) AS found
JOIN messages ON messages.id = found.message_id
JOIN channels ON channels.id = messages.channel_id
ORDER BY found.docid DESC;

-- name: CountFoundMessages :one
-- scope: viewer
-- How many messages a search finds, counted up to max_rows.
SELECT count(*) FROM (
    SELECT 1 FROM message_index
    WHERE message_index.rowid >= min(max(CAST(@from_time AS MILLIS_INT), 0), 8796093022207) << 20
      AND message_index.rowid <= min(CAST(@to_time AS MILLIS_INT), 8796093022207) << 20 | 1048575
      AND message_index MATCH (
          CASE WHEN CAST(@tenant AS INTEGER) = 1 THEN '' ELSE 'place : t' || CAST(@tenant AS INTEGER) || ' AND ' END
          || CASE WHEN CAST(@any_channel AS BOOLEAN) THEN '' ELSE 'place : c' || replace(CAST(@channel_id AS UUID_TEXT), '-', '') || ' AND ' END
          || CASE WHEN CAST(@everyone AS BOOLEAN) THEN ''
                  WHEN NOT CAST(@any_channel AS BOOLEAN) THEN CASE WHEN EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = @tenant AND v.channel_id = @channel_id AND v.entity_id = @viewer) THEN '' ELSE 'place : nowhere AND ' END
                  ELSE 'place : (' || coalesce((SELECT group_concat('c' || replace(v.channel_id, '-', ''), ' OR ') FROM channel_participants v WHERE v.tenant = @tenant AND v.entity_id = @viewer), 'nowhere') || ') AND ' END
          || CASE WHEN CAST(@any_author AS BOOLEAN) THEN '' ELSE 'place : a' || replace(CAST(@author_id AS UUID_TEXT), '-', '') || ' AND ' END
          || 'content : (' || CAST(@words AS TEXT) || ')' || CASE WHEN CAST(@tenant AS INTEGER) = 1 THEN ' NOT place : foreign' ELSE '' END)
    LIMIT CAST(@max_rows AS INTEGER));

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
