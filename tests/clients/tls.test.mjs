// SPDX-License-Identifier: MIT
// The `openai` package over TLS: NODE_EXTRA_CA_CERTS, which Node.js reads only at its start, names whom to trust.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, it } from 'node:test';
import { promisify } from 'node:util';
import { Router } from './harness.mjs';

const script = `
  import OpenAI from 'openai';
  const client = new OpenAI({ maxRetries: 0 });
  const messages = [{ role: 'user', content: 'hello' }];
  try {
    const whole = await client.chat.completions.create({ model: 'fake-a', messages, max_tokens: 5 });
    const said = { whole: whole.choices[0].message.content, streamed: '' };
    const stream = await client.chat.completions.create({ model: 'fake-a', messages, max_tokens: 4, stream: true });
    for await (const chunk of stream) said.streamed += chunk.choices[0].delta.content ?? '';
    console.log(JSON.stringify(said));
  } catch (error) {
    console.log(JSON.stringify({ failed: error.constructor.name, why: error.cause?.cause?.code ?? error.cause?.code }));
  }`;

let router;
let key;
before(async () => {
  router = await Router.start({ tls: true });
  key = await router.token('sdk', '--quota', '10');
});
after(() => router?.stop());

async function run(environment) {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname ?? new URL('.', import.meta.url).pathname,
    env: { ...process.env, OPENAI_BASE_URL: `${router.url}/v1`, OPENAI_API_KEY: key, ...environment },
  });
  return JSON.parse(stdout);
}

it('answers and streams pass', async () => {
  assert.match(router.url, /^https:/);
  assert.deepEqual(await run({ NODE_EXTRA_CA_CERTS: router.caFile }),
    { whole: 'one two six ten sky ', streamed: 'one two six ten ' });
  assert.deepEqual((await router.requests('sdk')).map((row) => row.output_tokens), [4, 5]);
});

it('a client that does not trust the certificate sends nothing', async () => {
  const said = await run({ NODE_EXTRA_CA_CERTS: '' });
  assert.equal(said.failed, 'APIConnectionError');
  assert.match(said.why, /SELF_SIGNED|UNABLE_TO_VERIFY/);
  assert.equal((await router.tally()).arrived, 2);
});
