-- SPDX-License-Identifier: MIT
-- From version 8 to version 9: prices with rules, rates of sound and pictures and more limits, and their generations;
-- of a request the price it was charged by and what its cost came of.
ALTER TABLE price ADD COLUMN cache_write_hour INTEGER CHECK (cache_write_hour >= 0);
ALTER TABLE price ADD COLUMN audio_input INTEGER CHECK (audio_input >= 0);
ALTER TABLE price ADD COLUMN cached_audio_input INTEGER CHECK (cached_audio_input >= 0);
ALTER TABLE price ADD COLUMN audio_output INTEGER CHECK (audio_output >= 0);
ALTER TABLE price ADD COLUMN image_input INTEGER CHECK (image_input >= 0);
ALTER TABLE price ADD COLUMN cached_image_input INTEGER CHECK (cached_image_input >= 0);
ALTER TABLE price ADD COLUMN image_output INTEGER CHECK (image_output >= 0);
ALTER TABLE price ADD COLUMN default_output_tokens INTEGER;
ALTER TABLE price ADD COLUMN image_tokens INTEGER;
ALTER TABLE price ADD COLUMN output_image_tokens INTEGER;
ALTER TABLE price ADD COLUMN thinks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE price ADD COLUMN rules TEXT NOT NULL DEFAULT '';
ALTER TABLE price ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
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
  rules TEXT NOT NULL DEFAULT ''
);
INSERT INTO price_generation (model, effective_at, input, cached_input, cache_write, output, per_request,
    max_output_tokens, context_tokens, source, updated_at, per_image, per_character, per_second)
  SELECT model, effective_at, input, cached_input, cache_write, output, per_request, max_output_tokens, context_tokens,
    source, updated_at, per_image, per_character, per_second FROM price;
UPDATE price SET generation = (SELECT id FROM price_generation AS made
  WHERE made.model = price.model AND made.effective_at = price.effective_at);

ALTER TABLE request ADD COLUMN price INTEGER;
ALTER TABLE request ADD COLUMN cost INTEGER;
ALTER TABLE request ADD COLUMN multiplier_millionths INTEGER;
ALTER TABLE request ADD COLUMN parts TEXT;

ALTER TABLE channel ADD COLUMN strip TEXT NOT NULL DEFAULT '[]';
ALTER TABLE channel ADD COLUMN service_tier TEXT NOT NULL DEFAULT '';
