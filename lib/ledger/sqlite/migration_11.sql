-- SPDX-License-Identifier: MIT
-- From version 10 to version 11: what a model thinks beyond a bound that counts none of it; refusals, summed by minute.
ALTER TABLE price ADD COLUMN thinking_tokens INTEGER;
ALTER TABLE price_generation ADD COLUMN thinking_tokens INTEGER;

-- Requests that were refused before anything was reserved for them, by token, code and minute (since 1970): all of them,
-- and those that have no row of their own, which `usage` counts all the same. token_id 0 is nobody's.
CREATE TABLE refused (
  minute INTEGER NOT NULL,
  token_id INTEGER NOT NULL,
  code TEXT NOT NULL,
  requests INTEGER NOT NULL CHECK (requests > 0),
  without_row INTEGER NOT NULL CHECK (without_row BETWEEN 0 AND requests),
  PRIMARY KEY (minute, token_id, code)
) WITHOUT ROWID;
CREATE INDEX refused_token ON refused (token_id, minute);
