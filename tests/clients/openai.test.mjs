// SPDX-License-Identifier: MIT
// The `openai` package, unmodified: only baseURL and apiKey are set.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { Router, countingFetch, weatherParameters } from './harness.mjs';

const messages = [{ role: 'user', content: 'hello' }];
const tools = [{ type: 'function', function: { name: 'weather', parameters: weatherParameters } }];

let router;
let key;
let mediaKey;
before(async () => {
  router = await Router.start();
  key = await router.token('sdk', '--quota', '10', '--models', 'fake-a,fake-b');
  mediaKey = await router.token('media', '--quota', '10');
});
after(() => router?.stop());
beforeEach(() => router.resetUpstream());

const client = (options = {}) => new OpenAI({ baseURL: `${router.url}/v1`, apiKey: key, ...options });
const media = () => client({ apiKey: mediaKey });

describe('answers', () => {
  it('a chat completion, with usage and a request id', async () => {
    const answer = await client().chat.completions.create({ model: 'fake-a', messages, max_tokens: 5 });
    assert.equal(answer.choices[0].message.content, 'one two six ten sky ');
    assert.equal(answer.choices[0].finish_reason, 'length');
    assert.equal(answer.usage.completion_tokens, 5);
    assert.ok(answer._request_id, 'x-request-id');
    const row = (await router.requests('sdk'))[0];
    assert.equal(row.id, answer._request_id);
    assert.equal(row.output_tokens, 5);
    assert.equal(row.cost, '0.00002');
  });

  it('several choices', async () => {
    const answer = await client().chat.completions.create({ model: 'fake-a', messages, max_tokens: 2, n: 3 });
    assert.deepEqual(answer.choices.map((choice) => choice.message.content), ['one two ', 'one two ', 'one two ']);
    assert.equal(answer.usage.completion_tokens, 6);
  });

  it('a streamed one, without the usage it did not ask for, and metered all the same', async () => {
    const stream = await client().chat.completions.create({ model: 'fake-a', messages, max_tokens: 4, stream: true });
    let text = '';
    for await (const chunk of stream) {
      assert.equal(chunk.choices.length, 1, 'the usage chunk is hidden');
      text += chunk.choices[0].delta.content ?? '';
    }
    assert.equal(text, 'one two six ten ');
    const row = (await router.requests('sdk'))[0];
    assert.deepEqual([row.input_tokens, row.output_tokens, row.flags], [10, 4, []]);
  });

  it('a streamed one with the usage it asked for', async () => {
    const stream = await client().chat.completions.create(
      { model: 'fake-a', messages, max_tokens: 4, stream: true, stream_options: { include_usage: true } });
    let usage = null;
    for await (const chunk of stream) usage = chunk.usage ?? usage;
    assert.equal(usage.completion_tokens, 4);
  });

  it('tool calls, whole and in deltas', async () => {
    const whole = await client().chat.completions.create({ model: 'fake-a', messages, tools });
    assert.equal(whole.choices[0].finish_reason, 'tool_calls');
    assert.deepEqual(JSON.parse(whole.choices[0].message.tool_calls[0].function.arguments), { city: 'Paris' });
    const streamed = await client().chat.completions.stream({ model: 'fake-a', messages, tools }).finalChatCompletion();
    const call = streamed.choices[0].message.tool_calls[0];
    assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], ['weather', { city: 'Paris' }]);
  });

  it('a text completion, whole and streamed', async () => {
    const whole = await client().completions.create({ model: 'fake-a', prompt: 'hello', max_tokens: 2 });
    assert.equal(whole.choices[0].text, 'one two ');
    let text = '';
    for await (const chunk of await client().completions.create({ model: 'fake-a', prompt: 'x', max_tokens: 2, stream: true }))
      text += chunk.choices[0].text;
    assert.equal(text, 'one two ');
  });

  it('embeddings, as numbers and as the base64 the SDK asks for', async () => {
    const packed = await client().embeddings.create({ model: 'fake-a', input: ['a', 'b'], dimensions: 4 });
    assert.deepEqual(Array.from(packed.data[1].embedding), [0.0625, 0.125, 0.1875, 0.25]);
    const plain = await client().embeddings.create({ model: 'fake-a', input: 'a', dimensions: 4, encoding_format: 'float' });
    assert.deepEqual(plain.data[0].embedding, [0, 0.0625, 0.125, 0.1875]);
    assert.equal(plain.usage.prompt_tokens, 10);
  });

  it('embeddings are charged for their input', async () => {
    await client().embeddings.create({ model: 'fake-a', input: ['a', 'b', 'c'] });
    const row = (await router.requests('sdk'))[0];
    assert.deepEqual([row.endpoint, row.input_tokens, row.cost], ['embeddings', 30, '0.00003']);
  });

  it('images, charged by the image', async () => {
    const made = await media().images.generate({ model: 'fake-images', prompt: 'a cat', n: 2 });
    assert.deepEqual(made.data.map((image) => image.b64_json), ['iVBORw0KGgoA', 'iVBORw0KGgoB']);
    const row = (await router.requests('media'))[0];
    assert.deepEqual([row.endpoint, row.images, row.cost], ['images.generations', 2, '0.08']);
  });

  it('images in a stream', async () => {
    const types = [];
    const stream = await media().images.generate({ model: 'fake-images', prompt: 'a cat', stream: true, partial_images: 1 });
    for await (const event of stream) types.push(event.type);
    assert.deepEqual(types, ['image_generation.partial_image', 'image_generation.completed']);
    assert.equal((await router.requests('media'))[0].cost, '0.04');
  });

  it('speech, byte for byte, charged by the character', async () => {
    const input = 'Grüße an 𝄞';
    const answer = await media().audio.speech.create({ model: 'fake-voice', voice: 'alloy', input, response_format: 'wav' });
    assert.equal(answer.headers.get('content-type'), 'audio/wav');
    const expected = Buffer.from(Array.from({ length: 10 * 8 }, (_, at) => (at * 37) % 256));
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), expected);
    const row = (await router.requests('media'))[0];
    assert.deepEqual([row.endpoint, row.characters, row.cost], ['audio.speech', 10, '0.00015']);
  });

  it('moderations, of the default model and free', async () => {
    const judged = await media().moderations.create({ input: ['one', 'two'] });
    assert.deepEqual(judged.results.map((result) => result.flagged), [false, false]);
    assert.equal(judged.model, 'omni-moderation-latest');
    const row = (await router.requests('media'))[0];
    assert.deepEqual([row.endpoint, row.model, row.cost, row.flags], ['moderations', 'omni-moderation-latest', '0', []]);
  });

  it('a response, whole and streamed', async () => {
    const whole = await client().responses.create({ model: 'fake-a', input: 'hello', max_output_tokens: 30 });
    assert.equal(whole.status, 'completed');
    assert.equal(whole.output_text.length, 80);
    let text = '';
    let last;
    const stream = await client().responses.create({ model: 'fake-a', input: 'hello', max_output_tokens: 16, stream: true });
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') text += event.delta;
      last = event;
    }
    assert.equal(last.type, 'response.incomplete');
    assert.equal(last.response.usage.output_tokens, 16);
    assert.equal(text.length, 64);
    assert.equal((await router.requests('sdk'))[0].output_tokens, 16);
  });

  it('a response that goes on from another, in turn asked for again, listed, cancelled and deleted', async () => {
    const { responses } = client();
    const first = await responses.create({ model: 'fake-a', input: 'hello' });
    const second = await responses.create({ model: 'fake-a', input: 'and on', previous_response_id: first.id });
    assert.notEqual(second.id, first.id);
    assert.equal(JSON.parse((await router.lastSeen()).body).previous_response_id, first.id);
    assert.deepEqual((await router.requests('sdk')).slice(0, 2).map((row) => row.cost), ['0.00005', '0.00005']);
    const again = await responses.retrieve(first.id);
    assert.deepEqual([again.id, again.output_text], [first.id, first.output_text]);
    const items = [];
    for await (const item of responses.inputItems.list(first.id)) items.push(item);
    assert.deepEqual(items, []);
    const types = [];
    for await (const event of await responses.retrieve(first.id, { stream: true })) types.push(event.type);
    assert.deepEqual(types, ['response.completed']);
    const queued = await responses.create({ model: 'fake-a', input: 'later', background: true, max_output_tokens: 50 });
    assert.equal(queued.status, 'queued');
    assert.equal((await responses.cancel(queued.id)).status, 'cancelled');
    assert.equal((await router.requests('sdk'))[0].cost, '0');
    await responses.delete(first.id);
    await assert.rejects(responses.retrieve(first.id), (error) => error instanceof OpenAI.NotFoundError);
  });

  it('a response of another token, or of none, is not there', async () => {
    const mine = await client().responses.create({ model: 'fake-a', input: 'hello' });
    const counting = countingFetch();
    const other = media().withOptions({ fetch: counting });
    await assert.rejects(other.responses.retrieve(mine.id), (error) => error.status === 404 && error.code === 'response_not_found');
    await assert.rejects(other.responses.create({ model: 'fake-a', input: 'x', previous_response_id: mine.id }),
      (error) => error.status === 400 && error.code === 'previous_response_not_found' && error.param === 'previous_response_id');
    assert.equal(counting.calls, 2, 'and not asked for again');
  });

  // Small ones are read whole, large ones stream through; the SDK writes the form's fields in the order they are given.
  for (const [size, bytes] of [['small', 100_000], ['large', 20_000_000]]) {
    const sound = () => toFile(Buffer.alloc(bytes, 'sound'), 'speech.mp3', { type: 'audio/mpeg' });
    const check = async (usage) => {
      assert.equal(usage.output_tokens, 20);
      const seen = await router.lastSeen();
      assert.ok(seen.body_bytes > bytes && seen.body_bytes < bytes + 2000, 'all of the form');
      const row = (await router.requests('sdk'))[0];
      assert.deepEqual([row.model, row.output_tokens, row.flags], ['fake-a', 20, []]);
    };

    it(`a transcription of a ${size} file, its model first`, async () => {
      const answer = await client().audio.transcriptions.create({ model: 'fake-a', file: await sound() });
      assert.equal(answer.text.length, 80);
      await check(answer.usage);
    });

    it(`a translation of a ${size} file`, async () => {
      await check((await client().audio.translations.create({ model: 'fake-a', file: await sound() })).usage);
    });

    it(`an edit of a ${size} image`, async () => {
      const image = await toFile(Buffer.alloc(bytes, 1), 'cat.png', { type: 'image/png' });
      const answer = await client().images.edit({ model: 'fake-a', image, prompt: 'a hat' });
      assert.equal(answer.data[0].b64_json, 'aW1hZ2U=');
      await check(answer.usage);
    });
  }

  it('a transcription, the file before its model', async () => {
    for (const bytes of [100_000, 10_000_000]) {
      const file = await toFile(Buffer.alloc(bytes), 'speech.mp3');
      await client().audio.transcriptions.create({ file, model: 'fake-a' });
      assert.ok((await router.lastSeen()).body_bytes > bytes);
    }
  });

  it('a transcription as a stream', async () => {
    const file = await toFile(Buffer.alloc(1000), 'speech.mp3');
    let last;
    for await (const event of await client().audio.transcriptions.create({ model: 'fake-a', file, stream: true })) last = event;
    assert.equal(last.type, 'transcript.text.done');
    assert.equal((await router.requests('sdk'))[0].output_tokens, 20);
  });

  it('a model after a file that is too large to hold is refused, with the way out', async () => {
    const file = await toFile(Buffer.alloc(70_000_000), 'speech.mp3');
    await assert.rejects(client({ maxRetries: 0 }).audio.transcriptions.create({ file, model: 'fake-a' }), (error) => {
      assert.equal(error.status, 413, error.message);
      assert.match(error.message, /model field before the file/);
      return true;
    });
    assert.equal((await router.tally()).arrived, 0);
  });

  it('the models this token can call, and one of them', async () => {
    const ids = [];
    for await (const model of await client().models.list()) ids.push(model.id);
    assert.deepEqual(ids.sort(), ['fake-a', 'fake-b']);
    assert.equal((await client().models.retrieve('fake-a')).id, 'fake-a');
    await assert.rejects(client().models.retrieve('claude-fake'), OpenAI.NotFoundError);
  });

  it('nothing of the client but the body reaches the provider', async () => {
    await client({ organization: 'org-secret', defaultHeaders: { 'x-forwarded-for': '10.1.2.3', cookie: 'a=b' } })
      .chat.completions.create({ model: 'fake-a', messages });
    const seen = await router.lastSeen();
    const names = seen.headers.map(([name]) => name);
    assert.equal(Object.fromEntries(seen.headers).authorization, 'Bearer upstream-key');
    for (const name of ['openai-organization', 'x-forwarded-for', 'cookie', 'x-stainless-lang'])
      assert.ok(!names.includes(name), name);
  });
});

describe('errors', () => {
  // Each surfaces as the SDK's own class, with message and code, after exactly `calls` tries.
  const refused = async (promiseOf, { type, status, code, calls = 1, message, options = {} }) => {
    const counting = countingFetch();
    const sdk = client({ fetch: counting, ...options });
    await assert.rejects(promiseOf(sdk), (error) => {
      assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
      assert.equal(error.status, status);
      assert.equal(error.code, code);
      if (message) assert.match(error.message, message);
      assert.ok(error.requestID, 'x-request-id');
      return true;
    });
    assert.equal(counting.calls, calls, 'tries');
  };
  const chat = (model, more = {}) => (sdk) => sdk.chat.completions.create({ model, messages, ...more });

  it('401: unknown and mistyped keys', async () => {
    for (const apiKey of ['sk-cr-nonsense', `${key.slice(0, -1)}!`, 'sk-someone-elses'])
      await refused(chat('fake-a'), { type: OpenAI.AuthenticationError, status: 401, code: 'invalid_api_key', options: { apiKey } });
    assert.equal((await router.tally()).arrived, 0);
  });

  it('401: disabled, expired and not yet valid tokens', async () => {
    const cases = { token_disabled: ['--disabled'], token_not_yet_valid: ['--not-before', '2100-01-01'] };
    for (const [code, flags] of Object.entries(cases)) {
      const apiKey = await router.token(code, ...flags);
      await refused(chat('fake-a'), { type: OpenAI.AuthenticationError, status: 401, code, options: { apiKey } });
    }
  });

  it('403: a model the token may not call, an address it may not come from', async () => {
    await refused(chat('fake-c'), { type: OpenAI.PermissionDeniedError, status: 403, code: 'model_not_allowed', message: /fake-c|model/ });
    const apiKey = await router.token('elsewhere', '--allow-ip', '192.0.2.0/24');
    await refused(chat('fake-a'), { type: OpenAI.PermissionDeniedError, status: 403, code: 'ip_not_allowed', options: { apiKey } });
  });

  it('403: a model without a price, 404: a model no channel serves', async () => {
    const apiKey = await router.token('any-model', '--quota', '1');
    await refused(chat('fake-unpriced'), { type: OpenAI.PermissionDeniedError, status: 403, code: 'model_not_priced', options: { apiKey } });
    await refused(chat('nobody-has-it'), { type: OpenAI.NotFoundError, status: 404, code: 'model_not_found', options: { apiKey } });
  });

  it('400: what a body may not say', async () => {
    await refused(chat('fake-a', { max_tokens: -1 }), { type: OpenAI.BadRequestError, status: 400, code: 'invalid_value' });
    await refused(chat('fake-a', { stream: 'yes' }), { type: OpenAI.BadRequestError, status: 400, code: 'invalid_value' });
    await refused(chat('fake-a', { Model: 'fake-b' }), { type: OpenAI.BadRequestError, status: 400, code: 'duplicate_key' });
    assert.equal((await router.tally()).arrived, 0);
  });

  it('429: no credit left, which no retry can mend', async () => {
    const apiKey = await router.token('poor', '--quota', '0.00000001');
    await refused(chat('fake-a'), { type: OpenAI.RateLimitError, status: 429, code: 'insufficient_quota', options: { apiKey } });
    assert.equal((await router.tally()).arrived, 0);
  });

  it('502: the provider refuses our key, which no retry can mend', async () => {
    await router.behave({ status: 401, body: '{"error":{"message":"bad key sk-upstream"}}', times: -1 });
    await refused(chat('fake-b'), { type: OpenAI.InternalServerError, status: 502, code: 'upstream_auth' });
    assert.equal((await router.tally()).arrived, 1);
    await router.crctl(['channel', 'edit', 'fake-openai', '--note', 'a fresh start, with its key taken back']);
  });

  it('400 of the provider is passed through', async () => {
    await router.behave({ status: 400, body: '{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}' });
    await refused(chat('fake-a'), { type: OpenAI.BadRequestError, status: 400, code: 'context_length_exceeded', message: /too long/ });
  });

  it('a cut stream is an error, never a whole answer', async () => {
    await router.behave({ cut_after: 5 });
    const stream = await client({ maxRetries: 0 }).chat.completions.create({ model: 'fake-a', messages, stream: true });
    let text = '';
    await assert.rejects(async () => {
      for await (const chunk of stream) text += chunk.choices[0].delta.content ?? '';
    });
    assert.equal(text, 'one two six ten ');
  });
});

describe('retries that can help', () => {
  it('a provider that comes back is asked again', async () => {
    await router.behave({ status: 503, body: '{"error":{"message":"later"}}', times: 1 });
    const counting = countingFetch();
    const answer = await client({ fetch: counting }).chat.completions.create({ model: 'fake-a', messages, max_tokens: 1 });
    assert.equal(answer.usage.completion_tokens, 1);
    assert.ok(counting.calls <= 2);
    assert.equal((await router.tally()).complete, 1);
  });

  it('an aborted stream is cancelled at the provider', async () => {
    await router.behave({ silent_after: 3 });
    const stream = await client().chat.completions.create({ model: 'fake-a', messages, stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0].delta.content) break;
    }
    const seen = await (await fetch(`${router.upstreamUrl}/control/wait?silent=1`)).json();
    assert.equal(seen.reached, true);
  });
});
