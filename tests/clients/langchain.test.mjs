// SPDX-License-Identifier: MIT
// LangChain's `@langchain/openai`, unmodified: only baseURL and apiKey are set.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';
import { Router, countingFetch } from './harness.mjs';

let router;
let key;
before(async () => {
  router = await Router.start();
  key = await router.token('sdk', '--quota', '10');
});
after(() => router?.stop());
beforeEach(() => router.resetUpstream());

const chat = ({ fetch, ...more } = {}) =>
  new ChatOpenAI({ model: 'fake-a', apiKey: key, configuration: { baseURL: `${router.url}/v1`, fetch }, ...more });
const newest = async () => (await router.requests('sdk'))[0];

const weather = tool(async ({ city }) => `blue over ${city}`, {
  name: 'weather',
  description: 'the weather of a city',
  schema: z.object({ city: z.string() }),
});

describe('answers', () => {
  it('invoke, with usage', async () => {
    const answer = await chat({ maxTokens: 5 }).invoke('hello');
    assert.equal(answer.content, 'one two six ten sky ');
    assert.deepEqual([answer.usage_metadata.input_tokens, answer.usage_metadata.output_tokens], [10, 5]);
    const row = await newest();
    assert.deepEqual([row.input_tokens, row.output_tokens, row.flags], [10, 5, []]);
  });

  it('stream, with usage', async () => {
    let whole;
    let pieces = 0;
    for await (const chunk of await chat({ streamUsage: true }).stream('hello')) {
      whole = whole ? whole.concat(chunk) : chunk;
      if (chunk.content) pieces += 1;
    }
    assert.equal(pieces, 20);
    assert.ok(whole.content.startsWith('one two six'));
    assert.equal(whole.usage_metadata.output_tokens, 20);
    assert.equal((await newest()).output_tokens, 20);
  });

  it('stream, metered all the same without the usage', async () => {
    for await (const chunk of await chat({ streamUsage: false }).stream('hello')) assert.equal(chunk.usage_metadata, undefined);
    const row = await newest();
    assert.deepEqual([row.output_tokens, row.flags], [20, []]);
  });

  it('a tool is called and its result answered', async () => {
    const model = chat().bindTools([weather]);
    const messages = [new HumanMessage('the weather?')];
    const asked = await model.invoke(messages);
    assert.deepEqual(asked.tool_calls.map(({ name, args }) => [name, args]), [['weather', { city: 'Paris' }]]);
    const result = await weather.invoke(asked.tool_calls[0]);
    assert.ok(ToolMessage.isInstance ? ToolMessage.isInstance(result) : result instanceof ToolMessage);
    const answer = await model.invoke([...messages, asked, result]);
    assert.ok(answer.content.startsWith('one two six'), answer.content);
    assert.equal((await router.tally()).arrived, 2);
    const rows = (await router.requests('sdk')).slice(0, 2);
    assert.equal(rows.reduce((sum, row) => sum + row.output_tokens, 0),
      asked.usage_metadata.output_tokens + answer.usage_metadata.output_tokens);
  });

  it('a tool call in deltas', async () => {
    let whole;
    for await (const chunk of await chat().bindTools([weather]).stream('the weather?')) whole = whole ? whole.concat(chunk) : chunk;
    assert.deepEqual(whole.tool_calls[0].args, { city: 'Paris' });
  });
});

describe('errors', () => {
  const refused = async (more, { status, code, calls = 1 }) => {
    const fetch = countingFetch();
    await assert.rejects(chat({ fetch, ...more }).invoke('hello'), (error) => {
      // A used-up quota it makes an error of its own, with the words but without the status.
      if (code === 'insufficient_quota') assert.match(error.message, /^429 .*credit/s);
      else assert.deepEqual([error.status, error.code], [status, code]);
      return true;
    });
    assert.equal(fetch.calls, calls, 'tries');
  };

  it('401: an unknown key', () => refused({ apiKey: 'sk-nobody' }, { status: 401, code: 'invalid_api_key' }));

  it('403: a model the token may not call', async () => {
    const apiKey = await router.token('narrow', '--models', 'fake-b');
    await refused({ apiKey }, { status: 403, code: 'model_not_allowed' });
  });

  it('429: no credit left, which no retry can mend', async () => {
    const apiKey = await router.token('poor', '--quota', '0.00000001');
    await refused({ apiKey }, { status: 429, code: 'insufficient_quota' });
    assert.equal((await router.tally()).arrived, 0);
  });

  it('a cut stream is an error, never a whole answer', async () => {
    await router.behave({ cut_after: 5 });
    await assert.rejects(async () => {
      for await (const chunk of await chat({ maxRetries: 0 }).stream('hello')) assert.ok(chunk);
    });
  });
});
