// SPDX-License-Identifier: MIT
// The `@anthropic-ai/sdk` package, unmodified: only baseURL and apiKey are set.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { Router, countingFetch, weatherParameters } from './harness.mjs';

const messages = [{ role: 'user', content: 'hello' }];
const tools = [{ name: 'weather', input_schema: weatherParameters }];

let router;
let key;
before(async () => {
  router = await Router.start();
  key = await router.token('sdk', '--quota', '10');
});
after(() => router?.stop());
beforeEach(() => router.resetUpstream());

const client = (options = {}) => new Anthropic({ baseURL: router.url, apiKey: key, ...options });

describe('answers', () => {
  it('a message, with usage and a request id', async () => {
    const answer = await client().messages.create({ model: 'claude-fake', max_tokens: 5, messages });
    assert.equal(answer.content[0].text, 'one two six ten sky ');
    assert.equal(answer.stop_reason, 'max_tokens');
    assert.deepEqual([answer.usage.input_tokens, answer.usage.output_tokens], [10, 5]);
    const row = (await router.requests('sdk'))[0];
    assert.deepEqual([row.endpoint, row.input_tokens, row.output_tokens], ['messages', 10, 5]);
    const seen = Object.fromEntries((await router.lastSeen()).headers);
    assert.deepEqual([seen['x-api-key'], seen.authorization], ['upstream-key', undefined]);
  });

  it('cached input is counted as such', async () => {
    await client().messages.create({ model: 'claude-fake', max_tokens: 5,
      messages: [{ role: 'user', content: '[[input=1000 cached=900]]' }] });
    const row = (await router.requests('sdk'))[0];
    assert.deepEqual([row.input_tokens, row.cached_tokens], [1000, 900]);
  });

  it('a streamed one', async () => {
    const stream = client().messages.stream({ model: 'claude-fake', max_tokens: 50, messages });
    let text = '';
    stream.on('text', (piece) => { text += piece; });
    const whole = await stream.finalMessage();
    assert.equal(whole.content[0].text, text);
    assert.equal(whole.usage.output_tokens, 20);
    assert.equal((await router.requests('sdk'))[0].output_tokens, 20);
  });

  it('tool use, whole and in deltas', async () => {
    const whole = await client().messages.create({ model: 'claude-fake', max_tokens: 50, messages, tools });
    assert.equal(whole.stop_reason, 'tool_use');
    assert.deepEqual(whole.content[0].input, { city: 'Paris' });
    const streamed = await client().messages.stream({ model: 'claude-fake', max_tokens: 50, messages, tools }).finalMessage();
    assert.deepEqual(streamed.content[0].input, { city: 'Paris' });
  });

  it('the tokens a message would have, counted for nothing', async () => {
    const counted = await client().messages.countTokens({ model: 'claude-fake', messages: [...messages, ...messages, ...messages] });
    assert.equal(counted.input_tokens, 30);
    const row = (await router.requests('sdk'))[0];
    assert.deepEqual([row.endpoint, row.cost, row.held, row.input_tokens, row.flags], ['messages.count_tokens', '0', '0', 0, []]);
    assert.equal((await router.lastSeen()).endpoint, 'messages/count_tokens');
  });

  it('the models this token can call', async () => {
    const ids = [];
    for await (const model of client().models.list()) ids.push(model.id);
    assert.ok(ids.includes('claude-fake'), ids.join());
  });

  it('a key as a bearer token', async () => {
    const answer = await client({ apiKey: null, authToken: key }).messages.create({ model: 'claude-fake', max_tokens: 1, messages });
    assert.equal(answer.usage.output_tokens, 1);
  });
});

describe('errors', () => {
  const refused = async (promiseOf, { type, status, kind, calls = 1, options = {} }) => {
    const counting = countingFetch();
    await assert.rejects(promiseOf(client({ fetch: counting, ...options })), (error) => {
      assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
      assert.equal(error.status, status);
      assert.equal(error.error.type, 'error');
      assert.equal(error.error.error.type, kind);
      assert.ok(error.error.error.message.length > 10);
      return true;
    });
    assert.equal(counting.calls, calls, 'tries');
  };
  const say = (model, more = {}) => (sdk) => sdk.messages.create({ model, max_tokens: 5, messages, ...more });

  it('401: an unknown key', () =>
    refused(say('claude-fake'), { type: Anthropic.AuthenticationError, status: 401, kind: 'authentication_error',
      options: { apiKey: 'sk-ant-nobody' } }));

  it('403: a model the token may not call', async () => {
    const apiKey = await router.token('narrow', '--models', 'fake-a');
    await refused(say('claude-fake'), { type: Anthropic.PermissionDeniedError, status: 403, kind: 'permission_error', options: { apiKey } });
  });

  it('404: a model no channel serves', () =>
    refused(say('claude-nobody'), { type: Anthropic.NotFoundError, status: 404, kind: 'not_found_error' }));

  it('400: what a body may not say', () =>
    refused(say('claude-fake', { max_tokens: -5 }), { type: Anthropic.BadRequestError, status: 400, kind: 'invalid_request_error' }));

  it('429: no credit left, which no retry can mend', async () => {
    const apiKey = await router.token('poor', '--quota', '0.00000001');
    await refused(say('claude-fake'), { type: Anthropic.RateLimitError, status: 429, kind: 'rate_limit_error', options: { apiKey } });
    assert.equal((await router.tally()).arrived, 0);
  });

  it('529 of the provider is passed on once the retries are used up', async () => {
    await router.behave({ status: 529, times: -1,
      body: '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded, try again"}}' });
    await refused(say('claude-fake'), { type: Anthropic.InternalServerError, status: 529, kind: 'overloaded_error', calls: 3 });
  });

  it('a cut stream is an error, never a whole message', async () => {
    await router.behave({ cut_after: 6 });
    const stream = client({ maxRetries: 0 }).messages.stream({ model: 'claude-fake', max_tokens: 50, messages });
    await assert.rejects(stream.finalMessage());
  });
});
