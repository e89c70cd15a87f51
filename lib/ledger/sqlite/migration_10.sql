-- SPDX-License-Identifier: MIT
-- From version 9 to version 10: what a start after a crash posts of an open stream; what a kept response used; what an
-- administrator says of a channel's provider.
DROP VIEW reservation;
CREATE VIEW reservation AS
  SELECT substr(ids, 1 + 16 * item.key, 16) AS id, item.value ->> 0 AS token_id, item.value ->> 1 AS account_id,
    item.value ->> 2 AS key_id, item.value ->> 3 AS started_at, item.value ->> 4 AS held, item.value ->> 5 AS stream,
    item.value ->> 6 AS model, item.value ->> 7 AS group_name, item.value ->> 8 AS endpoint,
    item.value ->> 9 AS source_ip, item.value ->> 10 AS unseen_at_once, item.value ->> 11 AS unseen_each_second,
    item.value ->> 12 AS boot_ms
  FROM reservation_batch CROSS JOIN json_each(facts) AS item
  WHERE NOT EXISTS (SELECT 1 FROM request WHERE request.id = substr(ids, 1 + 16 * item.key, 16));
CREATE TABLE lost_attempt (
  id BLOB PRIMARY KEY,
  cost INTEGER NOT NULL CHECK (cost > 0)
) WITHOUT ROWID;
CREATE TABLE own_request (
  id BLOB PRIMARY KEY,
  started_at INTEGER NOT NULL,
  channel_id INTEGER NOT NULL,
  model TEXT NOT NULL,
  upstream_model TEXT,
  status INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cost INTEGER NOT NULL CHECK (cost >= 0),
  price INTEGER
) WITHOUT ROWID;
-- Of a response that a provider keeps what it used, for one that goes on from it.
ALTER TABLE response ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;
-- A bound field that is not what the channel's address would have is one that was chosen.
ALTER TABLE channel ADD COLUMN bound_field_chosen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channel ADD COLUMN stream_usage TEXT NOT NULL DEFAULT 'auto';
ALTER TABLE channel ADD COLUMN output_rate_max INTEGER;
ALTER TABLE channel ADD COLUMN cancels TEXT NOT NULL DEFAULT 'auto';
ALTER TABLE channel ADD COLUMN retry_after_timeout INTEGER NOT NULL DEFAULT 0;
UPDATE channel SET bound_field_chosen = 1
  WHERE (bound_field = 'max_completion_tokens' AND base_url NOT LIKE '%openai.com%' AND base_url NOT LIKE '%azure.com%')
    OR (bound_field = 'max_tokens' AND base_url LIKE '%//api.openai.com%');
