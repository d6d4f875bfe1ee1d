-- Of four messages in a row two are in the large channel, one is in the conversation, and one in a small channel; in four of five
-- small channels the last five wait for an answer. The index of words is one segment in the end, at each size: filled at once, it
-- would have merges due that each following message pays for, which one that grew by single messages has not.
WITH RECURSIVE
    numbers (i) AS (SELECT {from} + 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {to}),
    small (i, channel, seq) AS (SELECT i, (i / 4 - 1) / 10 + 1, (i / 4 - 1) % 10 + 1 FROM numbers WHERE i % 4 = 0)

INSERT INTO agents (id, name, character, secrets, enabled, running, version, created_at, updated_at)
    SELECT '{agent}', 'Answerer', '{"name": "Answerer", "bio": ["Answers"]}', '{}', true, true, 1, 0, 0 WHERE {from} = 0
    UNION ALL SELECT '{waiting}', 'Silent', '{"name": "Silent", "bio": ["Thinks"], "settings": {"OPENAI_BASE_URL": "http://{silent}/v1"}}', '{}', true, true, 1, 0, 0 WHERE {from} = 0
    UNION ALL SELECT {id}1, i), 'Agent ' || i, '{"name": "Agent ' || i || '", "bio": ["Is one of many"]}', '{}', true, true, 1, 0, 0 FROM (SELECT i - {from} + {agents} AS i FROM numbers WHERE i <= {from} + {more agents});
INSERT INTO message_server_agents SELECT '{server}', id FROM agents WHERE true ON CONFLICT DO NOTHING;
INSERT INTO channels (id, message_server_id, name, type, metadata, turn_policy, created_by, last_seq, created_at, updated_at)
    SELECT '{large}', '{server}', 'large', 'GROUP', '{}', 'queue', '{author}', 0, 0, 0 WHERE {from} = 0
    UNION ALL SELECT '{conversation}', '{server}', 'conversation', 'DM', '{}', 'queue', '{asker}', 0, 0, 0 WHERE {from} = 0
    UNION ALL SELECT {id}3, i / 40), '{server}', 'small', 'GROUP', '{}', 'queue', '{author}', 10, {at}, {at} FROM numbers WHERE i % 40 = 0;
UPDATE channels SET last_seq = CASE WHEN id = '{large}' THEN {to} / 2 ELSE {to} / 4 END, updated_at = (SELECT {at} FROM (SELECT {to} AS i)) WHERE id IN ('{large}', '{conversation}');
INSERT INTO channel_participants
    SELECT '{large}', '{author}', '', 0 WHERE {from} = 0
    UNION ALL SELECT '{conversation}', '{asker}', '', 0 WHERE {from} = 0
    UNION ALL SELECT '{conversation}', '{agent}', '', 0 WHERE {from} = 0
    UNION ALL SELECT {id}3, i / 40), '{author}', '', 0 FROM numbers WHERE i % 40 = 0
    UNION ALL SELECT {id}3, i / 40), '{waiting}', '', 0 FROM numbers WHERE i % 40 = 0 AND i / 40 % 5 > 0;
INSERT INTO messages (id, channel_id, seq, author_id, author_name, content, source_type, metadata, created_at, updated_at)
    SELECT {id}4, i),
           CASE WHEN i % 2 = 1 THEN '{large}' WHEN i % 4 = 2 THEN '{conversation}' ELSE {id}3, (i / 4 - 1) / 10 + 1) END,
           CASE WHEN i % 2 = 1 THEN (i + 1) / 2 WHEN i % 4 = 2 THEN (i + 2) / 4 ELSE (i / 4 - 1) % 10 + 1 END,
           CASE WHEN i % 8 = 6 THEN '{agent}' WHEN i % 4 = 2 THEN '{asker}' ELSE '{author}' END,
           'Somebody', '{text} ' || i || CASE WHEN i <= 1000 AND i % 50 = 0 THEN ' needle' ELSE '' END, CASE WHEN i % 8 = 6 THEN 'agent_response' ELSE 'eliza_gui' END, '{}', {at}, {at}
    FROM numbers;
INSERT INTO turns (id, agent_id, channel_id, message_id, sender_id, seq, response_id, status, reason, detail, reply_id, character_version, attempts, lease_owner, lease_until, queued_at, started_at, ended_at, head)
    SELECT {id}5, i), '{agent}', '{conversation}', {id}4, i), '{asker}', (i + 2) / 4, {id}4, i + 4), 'replied', '', '', {id}4, i + 4), 1, 1, '', 0, {at}, {at}, {at}, false FROM numbers WHERE i % 8 = 2
    UNION ALL SELECT {id}5, i), '{waiting}', {id}3, channel), {id}4, i), '{author}', seq, {id}6, i), 'queued', '', '', NULL, 0, 0, '', 0, {at}, NULL, NULL, seq = 6 FROM small WHERE channel % 5 > 0 AND seq > 5;
INSERT INTO turn_events (turn_id, position, type, at, data, agent_id)
    SELECT {id}5, i), 0, 'RUN_STARTED', {at}, '{}', '{agent}' FROM numbers WHERE i % 8 = 2
    UNION ALL SELECT {id}5, i), 1, 'RUN_ENDED', {at}, '{}', '{agent}' FROM numbers WHERE i % 8 = 2;
INSERT INTO memories (id, agent_id, entity_id, room_id, table_name, content, metadata, message_id, is_unique, edited, created_at, updated_at)
    SELECT {id}9, i), '{agent}', '{asker}', {id}10, 1), 'messages', '{"text": "{text}"}', '{}', {id}4, i - i % 4 + 2), true, false, {at}, {at} FROM numbers WHERE i % 10 = 0;
INSERT INTO sessions (id, agent_id, user_id, channel_id, metadata, timeout_ms, max_duration_ms, warning_ms, auto_renew, renewal_count, created_at, active_at, renewed_at, expires_at, due_at, end_reason)
    SELECT {id}7, i), '{agent}', '{author}', {id}12, i), '{}', 86400000, 86400000, 1000, true, 0, {at}, {at}, {at}, {end}, {end}, '' FROM numbers WHERE i % 100 = 0;
INSERT INTO jobs (id, agent_id, user_id, channel_id, message_id, content, metadata, status, error, callback_attempts, callback_error, created_at, expires_at, ended_at)
    SELECT {id}8, i), '{agent}', '{author}', {id}13, i), {id}14, i), 'x', '{}', 'completed', '', 0, '', {at}, {at}, {at} FROM numbers WHERE i % 100 = 0;
INSERT INTO message_index (rowid, content, place) SELECT d.docid, d.content, d.place FROM messages_to_index n CROSS JOIN message_documents d ON d.docid = n.docid;
DELETE FROM messages_to_index;
INSERT INTO message_index (message_index) SELECT 'optimize'
