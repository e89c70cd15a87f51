-- SPDX-License-Identifier: MIT
-- From version 3 to version 4: how a channel reaches its provider, and how long an answer may take; prices by the image,
-- the character and the second, and what requests used of them.
ALTER TABLE channel ADD COLUMN timeout_total_ms INTEGER NOT NULL DEFAULT 3600000;
ALTER TABLE channel ADD COLUMN headers TEXT NOT NULL DEFAULT '{}';
ALTER TABLE channel ADD COLUMN proxy TEXT NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN ca_file TEXT NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN client_cert TEXT NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN client_key TEXT NOT NULL DEFAULT '';
ALTER TABLE price ADD COLUMN per_image INTEGER NOT NULL DEFAULT 0 CHECK (per_image >= 0);
ALTER TABLE price ADD COLUMN per_character INTEGER NOT NULL DEFAULT 0 CHECK (per_character >= 0);
ALTER TABLE price ADD COLUMN per_second INTEGER NOT NULL DEFAULT 0 CHECK (per_second >= 0);
ALTER TABLE request ADD COLUMN images INTEGER;
ALTER TABLE request ADD COLUMN characters INTEGER;
ALTER TABLE request ADD COLUMN audio_ms INTEGER;
ALTER TABLE request ADD COLUMN search_units INTEGER;
