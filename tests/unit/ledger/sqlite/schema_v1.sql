-- SPDX-License-Identifier: MIT
-- The store, version 1. Times are Unix milliseconds, money nano-dollars, lists and maps JSON, switches 0 or 1.
-- Balances lie apart from settings: each commit rewrites them, so their rows are narrow and their pages few.
PRAGMA application_id = 1129466948;  -- "CRLD"
PRAGMA user_version = 1;

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
CREATE UNIQUE INDEX account_name ON account (name COLLATE NOCASE) WHERE deleted_at IS NULL;

CREATE TABLE account_balance (
  account_id INTEGER PRIMARY KEY,
  posted INTEGER NOT NULL DEFAULT 0 CHECK (posted >= 0),
  reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0)
);

CREATE TABLE grp (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rev INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  multiplier_millionths INTEGER NOT NULL CHECK (multiplier_millionths >= 0),
  note TEXT NOT NULL,
  created_at INTEGER NOT NULL
);

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
  deleted_at INTEGER
);
CREATE UNIQUE INDEX token_name ON token (name COLLATE NOCASE) WHERE deleted_at IS NULL;
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
  deleted_at INTEGER
);
CREATE UNIQUE INDEX channel_name ON channel (name COLLATE NOCASE) WHERE deleted_at IS NULL;

CREATE TABLE channel_key (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel_id INTEGER NOT NULL REFERENCES channel (id),
  sealed BLOB NOT NULL,
  hint_first TEXT NOT NULL,
  hint_last TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX channel_key_channel ON channel_key (channel_id);

-- Rates are nano-dollars a million model tokens; effective_at 0 = since ever.
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
  PRIMARY KEY (model, effective_at)
) WITHOUT ROWID;

-- Open reservations: a row leaves when its request gets its ending, in the same transaction.
CREATE TABLE reservation (
  id BLOB PRIMARY KEY,
  token_id INTEGER NOT NULL,
  account_id INTEGER NOT NULL,
  key_id INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  held INTEGER NOT NULL CHECK (held > 0),
  stream INTEGER NOT NULL,
  model TEXT NOT NULL,
  group_name TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  source_ip TEXT NOT NULL
) WITHOUT ROWID;

-- Ended requests. Ids begin with their time, so the table is in the order of time.
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
  CHECK (held = 0 OR posted <= held)
) WITHOUT ROWID;
CREATE INDEX request_token ON request (token_id, id);

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
