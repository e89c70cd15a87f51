-- SPDX-License-Identifier: MIT
-- From version 2 to version 3: what a commit makes durable for many requests is one row, not one for each.
ALTER TABLE unsummed RENAME COLUMN request_id TO ids;
CREATE VIEW unsummed_request AS
  WITH RECURSIVE piece (ids, at, request_id) AS (
    SELECT ids, 1, substr(ids, 1, 16) FROM unsummed
    UNION ALL
    SELECT ids, at + 16, substr(ids, at + 16, 16) FROM piece WHERE at + 16 <= length(ids)
  )
  SELECT request_id FROM piece;

CREATE TABLE reservation_batch (
  seq INTEGER PRIMARY KEY,
  ids BLOB NOT NULL,
  facts TEXT NOT NULL
);
INSERT INTO reservation_batch (ids, facts)
  SELECT id, json_array(json_array(token_id, account_id, key_id, started_at, held, stream, model, group_name, endpoint,
    source_ip)) FROM reservation;
DROP TABLE reservation;
CREATE VIEW reservation AS
  SELECT substr(ids, 1 + 16 * item.key, 16) AS id, item.value ->> 0 AS token_id, item.value ->> 1 AS account_id,
    item.value ->> 2 AS key_id, item.value ->> 3 AS started_at, item.value ->> 4 AS held, item.value ->> 5 AS stream,
    item.value ->> 6 AS model, item.value ->> 7 AS group_name, item.value ->> 8 AS endpoint,
    item.value ->> 9 AS source_ip
  FROM reservation_batch CROSS JOIN json_each(facts) AS item
  WHERE NOT EXISTS (SELECT 1 FROM request WHERE request.id = substr(ids, 1 + 16 * item.key, 16));
