-- SPDX-License-Identifier: MIT
-- From version 1 to version 2: budgets, rates, refunds, usage by the quarter of an hour.
ALTER TABLE token ADD COLUMN budgets TEXT NOT NULL DEFAULT '{}';
ALTER TABLE token ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
ALTER TABLE token ADD COLUMN requests_per_minute INTEGER CHECK (requests_per_minute > 0);
ALTER TABLE token ADD COLUMN tokens_per_minute INTEGER CHECK (tokens_per_minute > 0);
ALTER TABLE token ADD COLUMN requests_at_once INTEGER CHECK (requests_at_once > 0);
ALTER TABLE request ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND posted);

-- What a token used of its budgets, a row for each period that was begun. `forgiven` is what resets gave back.
CREATE TABLE budget_window (
  token_id INTEGER NOT NULL,
  period INTEGER NOT NULL CHECK (period IN (0, 1, 2)),
  started_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL CHECK (ends_at > started_at),
  posted INTEGER NOT NULL CHECK (posted >= 0),
  reserved INTEGER NOT NULL CHECK (reserved >= 0),
  forgiven INTEGER NOT NULL CHECK (forgiven >= 0),
  PRIMARY KEY (token_id, period, started_at)
) WITHOUT ROWID;

-- What usage is kept by; token_id 0 stands for all tokens together.
CREATE TABLE usage_key (
  id INTEGER PRIMARY KEY,
  token_id INTEGER NOT NULL,
  account_id INTEGER NOT NULL,
  channel_id INTEGER NOT NULL,
  group_name TEXT NOT NULL,
  model TEXT NOT NULL
);
CREATE UNIQUE INDEX usage_key_all ON usage_key (token_id, account_id, channel_id, group_name, model);

-- Sums of ended requests, kept for good. `step` is 0 a quarter of an hour, 1 an hour, 2 a day, all by UTC; `at` counts
-- steps since 1970. Time zones are whole quarters of an hour away from UTC, so that days of any zone can be summed.
CREATE TABLE usage (
  key_id INTEGER NOT NULL,
  step INTEGER NOT NULL CHECK (step IN (0, 1, 2)),
  at INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  posted INTEGER NOT NULL,
  PRIMARY KEY (key_id, step, at)
) WITHOUT ROWID;

-- Ended requests that are not in `usage` yet.
CREATE TABLE unsummed (
  request_id BLOB NOT NULL
);
INSERT INTO unsummed (request_id) SELECT id FROM request;
INSERT INTO meta (key, value) VALUES ('pruned_before', 0);
