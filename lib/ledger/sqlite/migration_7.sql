-- SPDX-License-Identifier: MIT
-- From version 6 to version 7: names are found by an index, deleted ones too.
DROP INDEX account_name;
DROP INDEX token_name;
DROP INDEX channel_name;
CREATE UNIQUE INDEX account_name ON account (lower(name)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX token_name ON token (lower(name)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX channel_name ON channel (lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX account_deleted_name ON account (lower(name)) WHERE deleted_at IS NOT NULL;
CREATE INDEX token_deleted_name ON token (lower(name)) WHERE deleted_at IS NOT NULL;
CREATE INDEX channel_deleted_name ON channel (lower(name)) WHERE deleted_at IS NOT NULL;

-- The rule of a column cannot be taken away: the table is made anew.
CREATE TABLE new_grp (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rev INTEGER NOT NULL,
  name TEXT NOT NULL,
  multiplier_millionths INTEGER NOT NULL CHECK (multiplier_millionths >= 0),
  note TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
INSERT INTO new_grp SELECT id, rev, name, multiplier_millionths, note, created_at FROM grp;
-- No id is given out twice, not that of a deleted group either.
UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'grp') WHERE name = 'new_grp'
  AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'grp');
DROP TABLE grp;
ALTER TABLE new_grp RENAME TO grp;
CREATE UNIQUE INDEX grp_name ON grp (lower(name));
