// SPDX-License-Identifier: MIT
// Vercel's `ai` with `@ai-sdk/openai` and `@ai-sdk/anthropic`, unmodified: only baseURL and apiKey are set.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, RetryError, generateText, stepCountIs, streamText, tool } from 'ai';
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

const options = (more) => ({ baseURL: `${router.url}/v1`, apiKey: key, ...more });
const openai = (more = {}) => createOpenAI(options(more));
const anthropic = (more = {}) => createAnthropic(options(more));

// Every way these packages have to reach crd, and the endpoint each asks.
const ways = [
  { name: 'openai chat', endpoint: 'chat.completions', model: (more) => openai(more).chat('fake-a') },
  { name: 'openai responses', endpoint: 'responses', model: (more) => openai(more).responses('fake-a') },
  { name: 'anthropic', endpoint: 'messages', model: (more) => anthropic(more)('claude-fake') },
];

// The newest row, which must be this one's.
async function row(endpoint, wanted) {
  const [newest] = await router.requests('sdk');
  assert.equal(newest.endpoint, endpoint);
  assert.deepEqual([newest.input_tokens, newest.output_tokens, newest.flags], wanted);
}

for (const { name, endpoint, model } of ways) {
  describe(name, () => {
    it('generateText, with usage', async () => {
      const { text, usage } = await generateText({ model: model(), prompt: 'hello', maxOutputTokens: 16 });
      assert.ok(text.startsWith('one two six'), text);
      assert.deepEqual([usage.inputTokens, usage.outputTokens], [10, 16]);
      await row(endpoint, [10, 16, []]);
    });

    it('streamText, event by event, with usage', async () => {
      const stream = streamText({ model: model(), prompt: 'hello', maxOutputTokens: 64 });
      const pieces = [];
      for await (const piece of stream.textStream) pieces.push(piece);
      assert.ok(pieces.length > 5, `${pieces.length} pieces`);
      assert.ok(pieces.join('').startsWith('one two six'));
      const usage = await stream.usage;
      assert.deepEqual([usage.inputTokens, usage.outputTokens], [10, 20]);
      await row(endpoint, [10, 20, []]);
    });

    for (const how of ['whole', 'streamed']) {
      it(`a tool is called and its result answered, ${how}`, async () => {
        const asked = [];
        const weather = tool({
          description: 'the weather of a city',
          inputSchema: z.object({ city: z.string() }),
          execute: async ({ city }) => {
            asked.push(city);
            return { sky: 'blue' };
          },
        });
        const call = { model: model(), prompt: 'the weather?', tools: { weather }, stopWhen: stepCountIs(3) };
        const result = how === 'whole' ? await generateText(call) : streamText(call);
        const text = await result.text;
        assert.deepEqual(asked, ['Paris']);
        assert.equal((await result.steps).length, 2);
        assert.ok(text.startsWith('one two six'), text);
        assert.equal((await router.tally()).arrived, 2);
        const rows = (await router.requests('sdk')).slice(0, 2);
        const used = await result.totalUsage;
        assert.equal(rows.reduce((sum, one) => sum + one.output_tokens, 0), used.outputTokens);
        assert.equal(rows.reduce((sum, one) => sum + one.input_tokens, 0), used.inputTokens);
      });
    }

    // The SDK's own class, with crd's words, after exactly so many tries.
    const refused = async (more, { status, calls, message }) => {
      const fetch = countingFetch();
      await assert.rejects(generateText({ model: model({ fetch, ...more }), prompt: 'hello' }), (error) => {
        const last = RetryError.isInstance(error) ? error.lastError : error;
        assert.ok(APICallError.isInstance(last), `${error}`);
        assert.equal(last.statusCode, status);
        assert.match(last.message, message);
        return true;
      });
      assert.equal(fetch.calls, calls, 'tries');
    };

    it('401: an unknown key is not tried again', async () => {
      await refused({ apiKey: 'sk-nobody' }, { status: 401, calls: 1, message: /API key/ });
      assert.equal((await router.tally()).arrived, 0);
    });

    it('403: an address it may not come from is not tried again', async () => {
      const apiKey = await router.token(`elsewhere-${endpoint}`, '--allow-ip', '192.0.2.0/24');
      await refused({ apiKey }, { status: 403, calls: 1, message: /allow-ip/ });
    });

    // This SDK tries every 429 again and does not know x-should-retry; none of its tries reaches the provider.
    it('429: no credit left costs nothing however often it is tried', async () => {
      const apiKey = await router.token(`poor-${endpoint}`, '--quota', '0.00000001');
      await refused({ apiKey }, { status: 429, calls: 3, message: /quota|credit|left/ });
      assert.equal((await router.tally()).arrived, 0);
      const shown = JSON.parse(await router.crctl(['token', 'show', `poor-${endpoint}`, '--json']));
      assert.deepEqual([shown.used, shown.reserved], ['0', '0']);
    });

    it('a cut stream is an error, never a whole answer', async () => {
      await router.behave({ cut_after: 4 });
      const errors = [];
      const stream = streamText({ model: model(), prompt: 'hello', maxRetries: 0, onError: ({ error }) => errors.push(error) });
      await stream.consumeStream({ onError: (error) => errors.push(error) });
      assert.ok(errors.length > 0);
    });
  });
}
