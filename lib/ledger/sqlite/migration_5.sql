-- SPDX-License-Identifier: MIT
-- From version 4 to version 5: where stored responses are.
CREATE TABLE response (
  token_id INTEGER NOT NULL,
  id TEXT NOT NULL,
  channel_id INTEGER NOT NULL,
  key_hint TEXT NOT NULL,
  model TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (token_id, id)
) WITHOUT ROWID;
CREATE INDEX response_created_at ON response (created_at);
