-- SPDX-License-Identifier: MIT
-- From version 5 to version 6: the provider's own id of a request, by which it can be asked about it.
ALTER TABLE request ADD COLUMN upstream_request_id TEXT;
