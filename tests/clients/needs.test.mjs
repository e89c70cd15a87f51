// SPDX-License-Identifier: MIT
// What clients need beside a good answer: the id their SDK reports, HEAD on a kept connection, a WebSocket refused for
// good, a wrong base URL and a wrong key named.
import Anthropic from '@anthropic-ai/sdk';
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { Router } from './harness.mjs';

let router, key;
before(async () => {
  router = await Router.start();
  key = await router.token('t', '--quota', '5');
});
after(() => router?.stop());

const hello = [{ role: 'user', content: 'hello' }];
const openai = (options = {}) => new OpenAI({ apiKey: key, baseURL: `${router.url}/v1`, maxRetries: 0, ...options });
const anthropic = (options = {}) => new Anthropic({ apiKey: key, baseURL: router.url, maxRetries: 0, ...options });
const ask = (client, model = 'fake-a') => client.chat.completions.create({ model, messages: hello });
const tell = (client, model = 'claude-fake') => client.messages.create({ model, max_tokens: 16, messages: hello });

// One request by node's own client; headers, status and body.
function call(method, path, { agent, headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(`${router.url}${path}`, { method, agent, headers: { authorization: `Bearer ${key}`, ...headers } });
    sent.on('error', reject);
    sent.on('upgrade', () => reject(new Error('upgraded')));
    sent.on('response', async (answer) => {
      let text = '';
      for await (const piece of answer) text += piece;
      resolve({ status: answer.statusCode, headers: answer.headers, text, socket: sent.socket });
    });
    sent.end(body);
  });
}

test('the id of a request stands where each SDK looks', async () => {
  const told = await tell(anthropic());
  assert.match(told._request_id, /^req_/);
  assert.equal((await ask(openai()))._request_id?.slice(0, 4), 'req_');
  await assert.rejects(tell(anthropic(), 'none'), (error) => error.status === 404 && /^req_/.test(error.requestID));
  await assert.rejects(tell(anthropic({ apiKey: 'no' })), (error) => error.status === 401 && /^req_/.test(error.requestID));
  await assert.rejects(ask(openai(), 'none'), (error) => error.status === 404 && /^req_/.test(error.requestID));
  const stream = anthropic().messages.stream({ model: 'claude-fake', max_tokens: 16, messages: hello });
  await stream.finalMessage();
  assert.match(stream.request_id, /^req_/);
});

test('HEAD on a kept connection leaves the next request alone', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set();
  for (const [path, status] of [['/', 200], ['/v1/models', 200], ['/v1/chat/completions', 405], ['/nowhere', 404]]) {
    const head = await call('HEAD', path, { agent });
    assert.equal(head.status, status);
    assert.equal(head.text, '');
    sockets.add(head.socket);
    assert.equal((await call('GET', '/v1/models', { agent })).status, 200);
  }
  assert.equal(sockets.size, 1);
  agent.destroy();
});

test('a WebSocket is refused for good, and without a tunnel', async () => {
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  const refused = await call('GET', '/v1/responses', { headers });
  assert.equal(refused.status, 426);
  assert.equal(refused.headers.upgrade, undefined);
  assert.equal(JSON.parse(refused.text).error.code, 'upgrade_required');
});

test('a wrong base URL is told which one to set', async () => {
  const host = new URL(router.url).host;
  for (const baseURL of [router.url, `${router.url}/v1/v1`, `${router.url}/api`])
    await assert.rejects(ask(openai({ baseURL })), (error) => error.status === 404 && error.message.includes(`${host}/v1`));
  await assert.rejects(tell(anthropic({ baseURL: `${router.url}/v1` })), (error) => error.status === 404 && error.message.includes(`${host}, without /v1`));
});

test('of two credentials the known one counts; what is wrong with one is named', async () => {
  for (const headers of [{ authorization: 'Bearer placeholder', 'x-api-key': key }, { 'x-api-key': 'placeholder' }, { 'x-api-key': '' }])  // as Claude Code does
    assert.equal((await call('GET', '/v1/models', { headers })).status, 200);
  await ask(openai({ apiKey: 'placeholder', defaultHeaders: { 'api-key': key } }));
  await assert.rejects(ask(openai({ apiKey: `"${key}"` })), (error) => error.status === 401 && /quotes/.test(error.message));
  await assert.rejects(ask(openai({ apiKey: `Bearer ${key}` })), (error) => error.status === 401 && /twice/.test(error.message));
  await assert.rejects(tell(anthropic({ apiKey: `Bearer ${key}` })), (error) => error.status === 401 && /says .Bearer./.test(error.message));
});

test('betas of an SDK all reach the provider', async () => {
  await anthropic().beta.messages.create({ model: 'claude-fake', max_tokens: 16, messages: hello, betas: ['one', 'two'] });
  const seen = (await router.lastSeen()).headers.filter(([name]) => name === 'anthropic-beta').map(([, value]) => value);
  assert.deepEqual(seen.join(',').split(','), ['one', 'two']);
});
