-- name: SearchMessages :many
-- scope: viewer
-- Newest first: the messages that contain every word. words has each in double quotes, separated by spaces.
--
-- The index of words can't find the newest matches without reading all of them. So the newest two thousand messages of the channel, of the
-- author or of all are searched first, where a common word fills a page; LIKE is a quick filter for those that are worth
-- splitting into words. A word that doesn't fill the page is rarer, and the index finds it, unless those were all.
WITH near AS MATERIALIZED (
    SELECT n.id, n.at, n.seq FROM (
        (SELECT m.id, m.created_at AS at, m.seq, m.channel_id, m.author_id, m.content, NULL::tsvector AS words FROM messages m
         WHERE m.created_at >= sqlc.arg(from_time) AND m.created_at <= sqlc.arg(to_time) AND m.tenant = sqlc.arg(tenant)
           AND NOT sqlc.arg(any_channel)::boolean AND m.channel_id = sqlc.arg(channel_id)
           AND (sqlc.arg(everyone)::boolean OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)))
         ORDER BY m.created_at DESC, m.seq DESC LIMIT 2000)
        UNION ALL
        (SELECT m.id, m.created_at AS at, m.seq, m.channel_id, m.author_id, m.content, NULL::tsvector AS words FROM messages m
         WHERE m.created_at >= sqlc.arg(from_time) AND m.created_at <= sqlc.arg(to_time) AND m.tenant = sqlc.arg(tenant)
           AND sqlc.arg(any_channel)::boolean AND NOT sqlc.arg(any_author)::boolean AND m.author_id = sqlc.arg(author_id)
         ORDER BY m.created_at DESC, m.seq DESC LIMIT 2000)
        UNION ALL
        (SELECT w.message_id, w.created_at, w.seq, w.channel_id, w.author_id, '' AS content, w.words FROM message_words w
         WHERE w.created_at >= sqlc.arg(from_time) AND w.created_at <= sqlc.arg(to_time) AND w.tenant = sqlc.arg(tenant)
           AND sqlc.arg(any_channel)::boolean AND sqlc.arg(any_author)::boolean
         ORDER BY w.created_at DESC, w.seq DESC, w.message_id LIMIT 2000)) AS n
    WHERE (sqlc.arg(any_author)::boolean OR n.author_id = sqlc.arg(author_id))
      AND (sqlc.arg(everyone)::boolean OR NOT sqlc.arg(any_channel)::boolean OR n.channel_id IN (SELECT v.channel_id FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.entity_id = sqlc.arg(viewer)))
      AND CASE WHEN n.words IS NOT NULL THEN n.words @@ websearch_to_tsquery('simple', sqlc.arg(words)::text)
               ELSE lower(n.content) LIKE ALL (SELECT '%' || lower(w) || '%' FROM unnest(string_to_array(trim(both '"' from sqlc.arg(words)::text), '" "')) AS w)
                    AND to_tsvector('simple', translate(n.content, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                ')) @@ websearch_to_tsquery('simple', sqlc.arg(words)::text) END
    ORDER BY n.at DESC, n.seq DESC, n.id
    LIMIT sqlc.arg(offset_rows)::bigint + sqlc.arg(limit_rows)::bigint
), enough AS MATERIALIZED (
    SELECT (SELECT count(*) FROM near) >= sqlc.arg(offset_rows)::bigint + sqlc.arg(limit_rows)::bigint
        OR NOT sqlc.arg(any_channel)::boolean
           AND (SELECT count(*) FROM (SELECT 1 FROM messages m WHERE m.tenant = sqlc.arg(tenant) AND m.channel_id = sqlc.arg(channel_id) LIMIT 2000) AS those) < 2000
        OR sqlc.arg(any_channel)::boolean AND NOT sqlc.arg(any_author)::boolean
           AND (SELECT count(*) FROM (SELECT 1 FROM messages m WHERE m.tenant = sqlc.arg(tenant) AND m.author_id = sqlc.arg(author_id) LIMIT 2000) AS those) < 2000 AS so
), far AS MATERIALIZED (
    SELECT w.message_id AS id, w.created_at AS at, w.seq FROM message_words w
    WHERE NOT (SELECT enough.so FROM enough) -- the sums keep PostgreSQL from walking through all messages by their times
      AND w.tenant + 0 = sqlc.arg(tenant)
      AND w.words @@ websearch_to_tsquery('simple', sqlc.arg(words)::text)
      AND (sqlc.arg(any_channel)::boolean OR w.channel_id = sqlc.arg(channel_id))
      AND (sqlc.arg(everyone)::boolean OR w.channel_id IN (SELECT v.channel_id FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.entity_id = sqlc.arg(viewer)))
      AND (sqlc.arg(any_author)::boolean OR w.author_id = sqlc.arg(author_id))
      AND w.created_at + 0 >= sqlc.arg(from_time) AND w.created_at + 0 <= sqlc.arg(to_time)
), found AS (
    SELECT far.id, far.at, far.seq FROM far
    UNION ALL
    SELECT near.id, near.at, near.seq FROM near
    WHERE (SELECT enough.so FROM enough)
    ORDER BY at DESC, seq DESC, id
    LIMIT sqlc.arg(limit_rows)::bigint OFFSET sqlc.arg(offset_rows)::bigint
)
SELECT sqlc.embed(messages), channels.message_server_id
FROM found
JOIN messages ON messages.id = found.id
JOIN channels ON channels.id = messages.channel_id
ORDER BY messages.created_at DESC, messages.seq DESC, messages.id;

-- name: CountFoundMessages :one
-- scope: viewer
-- How many messages a search finds, counted up to max_rows.
SELECT count(*) FROM (
    SELECT 1 FROM message_words w
    WHERE w.created_at + 0 >= sqlc.arg(from_time) AND w.created_at + 0 <= sqlc.arg(to_time) AND w.tenant + 0 = sqlc.arg(tenant)
      AND (sqlc.arg(any_channel)::boolean OR w.channel_id = sqlc.arg(channel_id))
      AND (sqlc.arg(everyone)::boolean OR w.channel_id IN (SELECT v.channel_id FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.entity_id = sqlc.arg(viewer)))
      AND (sqlc.arg(any_author)::boolean OR w.author_id = sqlc.arg(author_id))
      AND w.words @@ websearch_to_tsquery('simple', sqlc.arg(words)::text)
    LIMIT sqlc.arg(max_rows)::bigint) found;

-- name: CountChannelMessages :one
-- scope: viewer
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE messages.tenant = sqlc.arg(tenant) AND messages.channel_id = sqlc.arg(channel_id)
      AND (sqlc.arg(any_author)::boolean OR messages.author_id = sqlc.arg(author_id))
      AND messages.created_at >= sqlc.arg(from_time) AND messages.created_at <= sqlc.arg(to_time)
  AND (sqlc.arg(everyone)::boolean OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = sqlc.arg(channel_id) AND v.entity_id = sqlc.arg(viewer)))
    LIMIT sqlc.arg(max_rows)::bigint) found;

-- name: CountAuthorMessages :one
-- scope: viewer
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE messages.tenant = sqlc.arg(tenant) AND messages.author_id = sqlc.arg(author_id) AND messages.created_at >= sqlc.arg(from_time) AND messages.created_at <= sqlc.arg(to_time)
  AND (sqlc.arg(everyone)::boolean OR EXISTS (SELECT 1 FROM channel_participants v WHERE v.tenant = sqlc.arg(tenant) AND v.channel_id = messages.channel_id AND v.entity_id = sqlc.arg(viewer)))
    LIMIT sqlc.arg(max_rows)::bigint) found;
