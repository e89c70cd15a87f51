-- SPDX-License-Identifier: MIT
-- From version 7 to version 8: the audit's last number is a value of its own, no longer SQLite's count of ids.
INSERT INTO meta (key, value)
  VALUES ('audit_seq', coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0));
