-- SPDX-License-Identifier: MIT
-- The store, version 11. Times are Unix milliseconds, money nano-dollars, lists and maps JSON, switches 0 or 1.
-- Balances lie apart from settings: each commit rewrites them, so their rows are narrow and their pages few.
-- Names are unique whatever their case among what is not deleted, and found by their index of lower(name).
PRAGMA application_id = 1129466948;  -- "CRLD"
PRAGMA user_version = 11;

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value
) WITHOUT ROWID;

CREATE TABLE account (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rev INTEGER NOT NULL,
  name TEXT NOT NULL,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  quota INTEGER CHECK (quota >= 0),
  note TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  deleted_at INTEGER
);
CREATE UNIQUE INDEX account_name ON account (lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX account_deleted_name ON account (lower(name)) WHERE deleted_at IS NOT NULL;

CREATE TABLE account_balance (
  account_id INTEGER PRIMARY KEY,
  posted INTEGER NOT NULL DEFAULT 0 CHECK (posted >= 0),
  reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0)
);

CREATE TABLE grp (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rev INTEGER NOT NULL,
  name TEXT NOT NULL,
  multiplier_millionths INTEGER NOT NULL CHECK (multiplier_millionths >= 0),
  note TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX grp_name ON grp (lower(name));

CREATE TABLE token (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rev INTEGER NOT NULL,
  name TEXT NOT NULL,
  account_id INTEGER NOT NULL REFERENCES account (id),
  groups TEXT NOT NULL,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  not_before INTEGER,
  expires INTEGER,
  models TEXT NOT NULL,
  allow_ip TEXT NOT NULL,
  quota INTEGER CHECK (quota >= 0),
  when_low INTEGER NOT NULL CHECK (when_low IN (0, 1)),
  tags TEXT NOT NULL,
  note TEXT NOT NULL,
  retrievable INTEGER NOT NULL CHECK (retrievable IN (0, 1)),
  created_at INTEGER NOT NULL,
  deleted_at INTEGER,
  budgets TEXT NOT NULL DEFAULT '{}',
  time_zone TEXT NOT NULL DEFAULT 'UTC',
  requests_per_minute INTEGER CHECK (requests_per_minute > 0),
  tokens_per_minute INTEGER CHECK (tokens_per_minute > 0),
  requests_at_once INTEGER CHECK (requests_at_once > 0)
);
CREATE UNIQUE INDEX token_name ON token (lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX token_deleted_name ON token (lower(name)) WHERE deleted_at IS NOT NULL;
CREATE INDEX token_account ON token (account_id);

CREATE TABLE token_balance (
  token_id INTEGER PRIMARY KEY,
  posted INTEGER NOT NULL DEFAULT 0 CHECK (posted >= 0),
  reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  last_used_at INTEGER
);

CREATE TABLE key (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  token_id INTEGER NOT NULL REFERENCES token (id),
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  hint_first TEXT NOT NULL,
  hint_last TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  not_after INTEGER,
  sealed BLOB,
  last_used_at INTEGER,
  last_used_ip TEXT
);
CREATE INDEX key_token ON key (token_id);

CREATE TABLE channel (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rev INTEGER NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  base_url TEXT NOT NULL,
  models TEXT NOT NULL,
  model_map TEXT NOT NULL,
  groups TEXT NOT NULL,
  priority INTEGER NOT NULL,
  weight INTEGER NOT NULL CHECK (weight >= 0),
  timeout_connect_ms INTEGER NOT NULL,
  timeout_first_byte_ms INTEGER NOT NULL,
  timeout_idle_ms INTEGER NOT NULL,
  allow_private INTEGER NOT NULL CHECK (allow_private IN (0, 1)),
  bound_field TEXT NOT NULL,
  echo_delay_ms INTEGER NOT NULL,
  note TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  deleted_at INTEGER,
  timeout_total_ms INTEGER NOT NULL DEFAULT 3600000,
  headers TEXT NOT NULL DEFAULT '{}',
  proxy TEXT NOT NULL DEFAULT '',
  ca_file TEXT NOT NULL DEFAULT '',
  client_cert TEXT NOT NULL DEFAULT '',
  client_key TEXT NOT NULL DEFAULT '',
  strip TEXT NOT NULL DEFAULT '[]',
  service_tier TEXT NOT NULL DEFAULT '',
  bound_field_chosen INTEGER NOT NULL DEFAULT 0,
  stream_usage TEXT NOT NULL DEFAULT 'auto',
  output_rate_max INTEGER,
  cancels TEXT NOT NULL DEFAULT 'auto',
  retry_after_timeout INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX channel_name ON channel (lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX channel_deleted_name ON channel (lower(name)) WHERE deleted_at IS NOT NULL;

CREATE TABLE channel_key (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel_id INTEGER NOT NULL REFERENCES channel (id),
  sealed BLOB NOT NULL,
  hint_first TEXT NOT NULL,
  hint_last TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX channel_key_channel ON channel_key (channel_id);

-- Rates are nano-dollars a million model tokens, per_character a million Unicode characters; the other per_... are
-- nano-dollars a piece. effective_at 0 = since ever. `rules` is a JSON list of what changes them.
CREATE TABLE price (
  model TEXT NOT NULL,
  effective_at INTEGER NOT NULL DEFAULT 0,
  input INTEGER NOT NULL CHECK (input >= 0),
  cached_input INTEGER NOT NULL CHECK (cached_input >= 0),
  cache_write INTEGER NOT NULL CHECK (cache_write >= 0),
  output INTEGER NOT NULL CHECK (output >= 0),
  per_request INTEGER NOT NULL CHECK (per_request >= 0),
  max_output_tokens INTEGER,
  context_tokens INTEGER,
  source TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  per_image INTEGER NOT NULL DEFAULT 0 CHECK (per_image >= 0),
  per_character INTEGER NOT NULL DEFAULT 0 CHECK (per_character >= 0),
  per_second INTEGER NOT NULL DEFAULT 0 CHECK (per_second >= 0),
  cache_write_hour INTEGER CHECK (cache_write_hour >= 0),
  audio_input INTEGER CHECK (audio_input >= 0),
  cached_audio_input INTEGER CHECK (cached_audio_input >= 0),
  audio_output INTEGER CHECK (audio_output >= 0),
  image_input INTEGER CHECK (image_input >= 0),
  cached_image_input INTEGER CHECK (cached_image_input >= 0),
  image_output INTEGER CHECK (image_output >= 0),
  default_output_tokens INTEGER,
  image_tokens INTEGER,
  output_image_tokens INTEGER,
  thinks INTEGER NOT NULL DEFAULT 0,
  rules TEXT NOT NULL DEFAULT '',
  generation INTEGER NOT NULL DEFAULT 0,
  thinking_tokens INTEGER,
  PRIMARY KEY (model, effective_at)
) WITHOUT ROWID;

-- Every price that there ever was, as it was set: what a request's row names stays when the price changes or goes.
CREATE TABLE price_generation (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  effective_at INTEGER NOT NULL,
  input INTEGER NOT NULL CHECK (input >= 0),
  cached_input INTEGER NOT NULL CHECK (cached_input >= 0),
  cache_write INTEGER NOT NULL CHECK (cache_write >= 0),
  output INTEGER NOT NULL CHECK (output >= 0),
  per_request INTEGER NOT NULL CHECK (per_request >= 0),
  max_output_tokens INTEGER,
  context_tokens INTEGER,
  source TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  per_image INTEGER NOT NULL DEFAULT 0 CHECK (per_image >= 0),
  per_character INTEGER NOT NULL DEFAULT 0 CHECK (per_character >= 0),
  per_second INTEGER NOT NULL DEFAULT 0 CHECK (per_second >= 0),
  cache_write_hour INTEGER CHECK (cache_write_hour >= 0),
  audio_input INTEGER CHECK (audio_input >= 0),
  cached_audio_input INTEGER CHECK (cached_audio_input >= 0),
  audio_output INTEGER CHECK (audio_output >= 0),
  image_input INTEGER CHECK (image_input >= 0),
  cached_image_input INTEGER CHECK (cached_image_input >= 0),
  image_output INTEGER CHECK (image_output >= 0),
  default_output_tokens INTEGER,
  image_tokens INTEGER,
  output_image_tokens INTEGER,
  thinks INTEGER NOT NULL DEFAULT 0,
  rules TEXT NOT NULL DEFAULT '',
  thinking_tokens INTEGER
);

-- Reservations, a row for all that one commit made durable: their ids, 16 bytes each, and in the same order a JSON array
-- of what is known of each. A row of `request` ends a reservation; the last ending of a batch takes its row away.
CREATE TABLE reservation_batch (
  seq INTEGER PRIMARY KEY,
  ids BLOB NOT NULL,
  facts TEXT NOT NULL
);

-- Ended requests. Ids begin with their time, so the table is in the order of time. `price` is a price_generation's id;
-- `cost` what the provider charges, where that is not what was posted and went to overrun; `parts` a JSON object of what
-- else the cost came of.
CREATE TABLE request (
  id BLOB PRIMARY KEY,
  token_id INTEGER NOT NULL,
  account_id INTEGER NOT NULL,
  key_id INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  held INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  model TEXT NOT NULL,
  group_name TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  source_ip TEXT NOT NULL,
  channel_id INTEGER NOT NULL,
  upstream_model TEXT,
  ending INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  status INTEGER NOT NULL,
  error TEXT,
  posted INTEGER NOT NULL CHECK (posted >= 0),
  overrun INTEGER NOT NULL CHECK (overrun >= 0),
  input_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  first_byte_ms INTEGER,
  refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND posted),
  images INTEGER,
  characters INTEGER,
  audio_ms INTEGER,
  search_units INTEGER,
  upstream_request_id TEXT,
  price INTEGER,
  cost INTEGER,
  multiplier_millionths INTEGER,
  parts TEXT,
  CHECK (held = 0 OR posted <= held)
) WITHOUT ROWID;
CREATE INDEX request_token ON request (token_id, id);

-- The open ones; `unseen_...` as UnseenCost, `boot_ms` of when they were made, of a boot that meta's `boot` names.
CREATE VIEW reservation AS
  SELECT substr(ids, 1 + 16 * item.key, 16) AS id, item.value ->> 0 AS token_id, item.value ->> 1 AS account_id,
    item.value ->> 2 AS key_id, item.value ->> 3 AS started_at, item.value ->> 4 AS held, item.value ->> 5 AS stream,
    item.value ->> 6 AS model, item.value ->> 7 AS group_name, item.value ->> 8 AS endpoint,
    item.value ->> 9 AS source_ip, item.value ->> 10 AS unseen_at_once, item.value ->> 11 AS unseen_each_second,
    item.value ->> 12 AS boot_ms
  FROM reservation_batch CROSS JOIN json_each(facts) AS item
  WHERE NOT EXISTS (SELECT 1 FROM request WHERE request.id = substr(ids, 1 + 16 * item.key, 16));

-- What attempts at an open request may have cost, whose response nobody got.
CREATE TABLE lost_attempt (
  id BLOB PRIMARY KEY,
  cost INTEGER NOT NULL CHECK (cost > 0)
) WITHOUT ROWID;

-- Requests that crd made by itself, to see how a channel does: what they cost is on no token.
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

-- `chain` digests the row and the chain of the row before it.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  gid INTEGER NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL,
  reason TEXT NOT NULL,
  chain BLOB NOT NULL
);

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

-- Ended requests that are not in `usage` yet: a row for all that one commit ended, their ids together, 16 bytes each.
CREATE TABLE unsummed (
  ids BLOB NOT NULL
);
CREATE VIEW unsummed_request AS
  WITH RECURSIVE piece (ids, at, request_id) AS (
    SELECT ids, 1, substr(ids, 1, 16) FROM unsummed
    UNION ALL
    SELECT ids, at + 16, substr(ids, at + 16, 16) FROM piece WHERE at + 16 <= length(ids)
  )
  SELECT request_id FROM piece;

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

-- Responses that their providers keep: which channel, and which of its keys, is asked for one by its id. key_hint is the
-- key's first and last characters, `tokens` what it used, in and out; 0 where nobody told.
CREATE TABLE response (
  token_id INTEGER NOT NULL,
  id TEXT NOT NULL,
  channel_id INTEGER NOT NULL,
  key_hint TEXT NOT NULL,
  model TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  tokens INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (token_id, id)
) WITHOUT ROWID;
CREATE INDEX response_created_at ON response (created_at);
