// SPDX-License-Identifier: MIT
// Requests of every kind, some of them wrong, in random order on one kept connection, pipelined or not, sent in random
// pieces: each has the answer that it has alone, with its own nonce, until an answer says that the connection closes, and
// then nothing follows. SEED and ROUNDS choose others than the usual ones.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Router } from './harness.mjs';

const seed = Number(process.env.SEED ?? 1);
const rounds = Number(process.env.ROUNDS ?? 60);

let state = seed;
function random() {  // mulberry32: the same sequences on every machine
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (limit) => Math.floor(random() * limit);
const pick = (list) => list[below(list.length)];

// Answers every request with its nonce, once it has come.
const provider = createServer((request, response) => {
  request.on('data', () => {});
  request.on('error', () => {});
  request.on('end', () => {
    const usage = { prompt_tokens: 11, completion_tokens: 7, input_tokens: 11, output_tokens: 7, total_tokens: 18 };
    const body = JSON.stringify({ nonce: request.headers['x-client-request-id'], text: 'x', usage });
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  });
});

let router, key, port;
before(async () => {
  router = await Router.start();
  await new Promise((done) => provider.listen(0, '127.0.0.1', done));
  await router.crctl(['channel', 'create', 'nonces', '--kind', 'openai', '--models', 'n-*', '--allow-private', '--key-stdin',
    '--base-url', `http://127.0.0.1:${provider.address().port}/v1`], 'upstream-key');
  key = await router.token('t');
  port = Number(new URL(router.url).port);
});
after(async () => {
  await router?.stop();
  provider.close();
  provider.closeAllConnections();
});

const crlf = '\r\n';
const boundary = 'Xb0und';
const ofForm = `multipart/form-data; boundary=${boundary}`;

function chunks(body, most) {
  const out = [];
  for (let at = 0; at < body.length;) {
    const piece = body.subarray(at, at + 1 + below(most));
    out.push(Buffer.from(piece.length.toString(16) + crlf), piece, Buffer.from(crlf));
    at += piece.length;
  }
  out.push(Buffer.from(`0${crlf}${pick(['', `x-trailer: 1${crlf}`])}${crlf}`));
  return Buffer.concat(out);
}

// `most`: in chunks of at most so many bytes.
function request(method, path, nonce, { body, type = 'application/json', extra = {}, most, as = key } = {}) {
  const lines = [`${method} ${path} HTTP/1.1`, 'host: router', `authorization: Bearer ${as}`, `x-client-request-id: ${nonce}`];
  for (const [name, value] of Object.entries(extra)) lines.push(`${name}: ${value}`);
  if (body === undefined) return Buffer.from(lines.join(crlf) + crlf + crlf);
  const bytes = Buffer.from(body);
  lines.push(`content-type: ${type}`, most ? 'transfer-encoding: chunked' : `content-length: ${bytes.length}`);
  return Buffer.concat([Buffer.from(lines.join(crlf) + crlf + crlf), most ? chunks(bytes, most) : bytes]);
}

const chat = (size = 1) => JSON.stringify({ model: 'n-1', messages: [{ role: 'user', content: 'x'.repeat(size) }] });
const part = (disposition, text) => `--${boundary}${crlf}content-disposition: form-data; ${disposition}${crlf}${crlf}${text}${crlf}`;
function form({ size = 100, model = true, first = false, whole = true } = {}) {
  const file = part('name="file"; filename="a.mp3"', 'z'.repeat(size));
  const field = model ? part('name="model"', 'n-1') : '';
  return (first ? file + field : field + file) + (whole ? `--${boundary}--${crlf}` : '');
}

const at = '/v1/chat/completions';
const heard = '/v1/audio/transcriptions';
const stored = '/v1/responses/resp_none';
const [large, larger] = [200_000, 1_500_000];
const preflight = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
const upgrade = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': 13, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
const ask = (path, options) => ['POST', path, options];
const kinds = {
  'a list': ['GET', '/v1/models'],
  'a list, with a body': ['GET', '/v1/models', { body: '{}' }],
  'a list, with a large body': ['GET', '/v1/models', { body: 'x'.repeat(30_000) }],
  'the token': ['GET', '/v1/token'],
  health: ['GET', '/healthz'],
  nowhere: ['GET', '/v1/nowhere'],
  'nowhere, with a body': ask('/v1/nowhere', { body: 'q'.repeat(500) }),
  'nowhere, with a large body': ask('/v1/nowhere', { body: 'q'.repeat(large) }),
  'nowhere, in chunks': ask('/v1/files', { body: 'q'.repeat(5000), most: 900 }),
  'HEAD of a list': ['HEAD', '/v1/models'],
  'HEAD where only POST is': ['HEAD', at],
  'HEAD with a body': ['HEAD', '/', { body: '{"a":1}' }],
  'HEAD of a response': ['HEAD', stored],
  'a response': ['GET', stored],
  'a deletion with a body': ['DELETE', stored, { body: '{"x":1}' }],
  'a deletion with chunks': ['DELETE', stored, { body: '{"x":1}'.repeat(50), most: 30 }],
  'OPTIONS': ['OPTIONS', at],
  'OPTIONS of all': ['OPTIONS', '*'],
  'a preflight with a body': ['OPTIONS', at, { body: 'abc', extra: preflight }],
  'a WebSocket': ['GET', '/v1/responses', { extra: upgrade }],
  PUT: ['PUT', at, { body: chat() }],
  chat: ask(at, { body: chat() }),
  'chat, in chunks': ask(at, { body: chat(300), most: 20 }),
  'chat, large': ask(at, { body: chat(large) }),
  'chat, large, in chunks': ask(at, { body: chat(larger), most: 70_000 }),
  'chat that waits for 100': ask(at, { body: chat(), extra: { expect: '100-continue' } }),
  'chat in gzip': ask(at, { body: gzipSync(chat()), extra: { 'content-encoding': 'gzip' } }),
  'chat in a cut gzip': ask(at, { body: gzipSync(chat()).subarray(0, -6), extra: { 'content-encoding': 'gzip' } }),
  'chat in a coding not read': ask(at, { body: chat(3000), extra: { 'content-encoding': 'br' } }),
  'chat that is cut JSON': ask(at, { body: chat().slice(0, -1) }),
  'chat that is text': ask(at, { body: chat(), type: 'text/plain' }),
  'chat that is empty': ask(at, { body: '' }),
  'chat, the key wrong': ask(at, { body: chat(), as: 'no' }),
  'chat, the key wrong, large': ask(at, { body: chat(large), as: 'no' }),
  'chat, the key wrong, in chunks': ask(at, { body: chat(20_000), as: 'no', most: 3000 }),
  'chat, the key wrong, that waits for 100': ask(at, { body: chat(), as: 'no', extra: { expect: '100-continue' } }),
  'the last chat': ask(at, { body: chat(), extra: { connection: 'close' } }),
  'a form': ask(heard, { body: form(), type: ofForm }),
  'a form, in chunks': ask(heard, { body: form({ size: 2000 }), type: ofForm, most: 200 }),
  'a form, its file first': ask(heard, { body: form({ size: larger, first: true }), type: ofForm }),
  'a large form': ask(heard, { body: form({ size: larger }), type: ofForm }),
  'a large form, in chunks': ask(heard, { body: form({ size: larger }), type: ofForm, most: 90_000 }),
  'an empty form': ask(heard, { body: '', type: ofForm }),
  'a form without an end': ask(heard, { body: form({ whole: false }), type: ofForm }),
  'a large form without an end': ask(heard, { body: form({ size: larger, whole: false }), type: ofForm }),
  'a large form without an end, in chunks': ask(heard, { body: form({ size: larger, whole: false }), type: ofForm, most: 90_000 }),
  'a large form without a model': ask(heard, { body: form({ size: larger, model: false }), type: ofForm }),
  'a large form behind junk': ask(heard, { body: `junk${form({ size: large })}`, type: ofForm }),
  'a large form of two models': ask(heard, { body: form({ size: larger, whole: false }) + form(), type: ofForm }),
  'a form without a boundary': ask(heard, { body: form(), type: 'multipart/form-data' }),
  'a form that is JSON': ask(heard, { body: '{}' }),
};

class Client {
  constructor() {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.bytes = Buffer.alloc(0);
    this.ended = false;
    this.sending = Promise.resolve();
    this.socket.on('data', (piece) => { this.bytes = Buffer.concat([this.bytes, piece]); this.wake?.(); });
    this.socket.on('error', (error) => { this.error = error; });
    this.socket.on('close', () => { this.ended = true; this.wake?.(); });
  }

  // In pieces, each once the one before has left.
  send(bytes) {
    const cuts = Array.from({ length: pick([0, 0, 3, 30]) }, () => below(pick([200, bytes.length]))).sort((a, b) => a - b);
    const pieces = [...cuts, bytes.length].map((cut, i) => bytes.subarray(cuts[i - 1] ?? 0, cut)).filter((piece) => piece.length > 0);
    for (const piece of pieces)
      this.sending = this.sending.then(() => new Promise((done) => { this.socket.write(piece, done); }));
  }

  async until(whole) {
    while (!whole()) {
      if (this.ended) throw new Error(`the connection ended (${this.error?.code ?? 'in order'}) behind ${JSON.stringify(this.bytes.toString('latin1', 0, 200))}`);
      await new Promise((wake) => { this.wake = wake; });
    }
  }

  take(size) {
    const taken = this.bytes.subarray(0, size);
    this.bytes = this.bytes.subarray(size);
    return taken;
  }

  async line(end) {
    await this.until(() => this.bytes.includes(end));
    return this.take(this.bytes.indexOf(end) + end.length).toString('latin1').slice(0, -end.length);
  }

  async answer(method) {
    let lines;
    do lines = (await this.line(crlf + crlf)).split(crlf); while (lines[0] === 'HTTP/1.1 100 Continue');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(lines[0])?.[1] ?? assert.fail(`no status line: ${lines[0]}`));
    const headers = new Map(lines.slice(1).map((one) => [one.slice(0, one.indexOf(':')).toLowerCase(), one.slice(one.indexOf(':') + 2)]));
    const answer = { status, headers, body: '' };
    if (method === 'HEAD' || status === 204) return answer;
    const body = [];
    if (headers.get('transfer-encoding') === 'chunked') {
      for (let size = -1; size !== 0;) {
        size = parseInt(await this.line(crlf), 16);
        await this.until(() => this.bytes.length >= size + 2);
        body.push(this.take(size));
        assert.equal(this.take(2).toString(), crlf);
      }
    } else {
      const size = Number(headers.get('content-length'));
      await this.until(() => this.bytes.length >= size);
      body.push(this.take(size));
    }
    return { ...answer, body: Buffer.concat(body).toString() };
  }

  async end() {
    while (!this.ended) await new Promise((wake) => { this.wake = wake; });
    assert.equal(this.bytes.toString('latin1'), '', 'nothing follows an answer that closes');
  }
}

let count = 0;
function make(name) {
  const nonce = `nonce-${++count}-`;
  const [method, path, options] = kinds[name];
  return { name, nonce, method, bytes: request(method, path, nonce, options) };
}

// What of an answer must be the same each time.
function gist({ nonce }, { status, body }) {
  return `${status} ${body.replaceAll(nonce, 'NONCE').replace(/"[a-z_]*(used|remaining|at|created)[a-z_]*":("[^"]*"|[^,}]*)/g, '')}`;
}

test(`each request has its own answer (SEED=${seed} ROUNDS=${rounds})`, { timeout: 240_000 }, async () => {
  const alone = new Map();
  for (const name of Object.keys(kinds)) {
    const sent = make(name);
    const client = new Client();
    client.send(sent.bytes);
    const answer = await client.answer(sent.method);
    alone.set(name, gist(sent, answer));
    assert.ok(answer.headers.has('x-request-id') || answer.status === 204, name);
    assert.equal(answer.body.includes(sent.nonce), answer.status === 200 && /^(a form|a large form|chat|the last)/.test(name), name);
    client.socket.destroy();
  }
  for (let round = 0; round < rounds; ++round) {
    const all = Array.from({ length: 2 + below(7) }, () => make(pick(Object.keys(kinds))));
    const pipelined = random() < 0.5;
    const told = () => `round ${round}, ${pipelined ? 'pipelined' : 'in turn'}: ${all.map(({ name }) => name).join(' | ')}`;
    const client = new Client();
    if (pipelined) client.send(Buffer.concat(all.map(({ bytes }) => bytes)));
    for (const sent of all) {
      if (!pipelined) client.send(sent.bytes);
      const answer = await client.answer(sent.method).catch((error) => assert.fail(`${told()}: ${sent.name}: ${error.message}`));
      assert.equal(gist(sent, answer), alone.get(sent.name), `${told()}: ${sent.name}`);
      if (answer.headers.get('connection') !== 'close') continue;
      await client.end();
      break;
    }
    client.socket.destroy();
  }
});
