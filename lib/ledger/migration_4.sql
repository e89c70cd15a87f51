-- SPDX-License-Identifier: MIT
-- From version 3 to version 4: how a channel reaches its provider, and how long an answer may take.
ALTER TABLE channel ADD COLUMN timeout_total_ms INTEGER NOT NULL DEFAULT 3600000;
ALTER TABLE channel ADD COLUMN headers TEXT NOT NULL DEFAULT '{}';
ALTER TABLE channel ADD COLUMN proxy TEXT NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN ca_file TEXT NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN client_cert TEXT NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN client_key TEXT NOT NULL DEFAULT '';
