-- SPDX-License-Identifier: MIT
-- From version 10 to version 11: what a model thinks beyond a bound that counts none of it.
ALTER TABLE price ADD COLUMN thinking_tokens INTEGER;
ALTER TABLE price_generation ADD COLUMN thinking_tokens INTEGER;
