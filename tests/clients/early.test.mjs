// SPDX-License-Identifier: MIT
// A provider that begins to answer while a large form is still on its way to it: a success gets the rest of the form, and
// is passed on also from one that reads no more.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { Router } from './harness.mjs';

const size = 6 * 1024 * 1024;
const body = JSON.stringify({ text: 'heard', usage: { type: 'tokens', input_tokens: 11, output_tokens: 7, total_tokens: 18 } });
const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;

// Begins to answer where a request's body begins: `begun(socket)`; `whole(socket)`, if there is one, once all of it has come.
function answering(begun, whole) {
  return createServer((socket) => {
    let text = '';
    let left = Infinity;  // known with the head
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      if (left === Infinity) {
        text += piece.toString('latin1');
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        left = Number(/content-length: (\d+)/i.exec(text)[1]) - (text.length - end - 4);
        socket.write(head);
        begun(socket);
      } else {
        left -= piece.length;
      }
      if (left === 0) whole?.(socket);
    });
  });
}

const providers = {
  'reads all': answering(() => {}, (socket) => socket.write(body)),
  'reads no more': answering((socket) => socket.pause().write(body)),
  leaves: answering((socket) => socket.write(body, () => socket.resetAndDestroy())),
};

let router, client;
before(async () => {
  router = await Router.start();
  for (const [name, server] of Object.entries(providers)) {
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const model = name.replaceAll(' ', '-');
    await router.crctl(['channel', 'create', model, '--kind', 'openai', '--models', model, '--allow-private', '--key-stdin',
      '--timeout-idle', '3s', '--base-url', `http://127.0.0.1:${server.address().port}/v1`], 'upstream-key');
  }
  client = new OpenAI({ apiKey: await router.token('t'), baseURL: `${router.url}/v1`, maxRetries: 0 });
});
after(async () => {
  await router?.stop();
  for (const server of Object.values(providers)) server.close();
});

for (const name of Object.keys(providers)) {
  test(`a provider that ${name}`, { timeout: 60_000 }, async () => {
    const file = await toFile(Buffer.alloc(size, 'z'), 'a.mp3');
    const answer = await client.audio.transcriptions.create({ model: name.replaceAll(' ', '-'), file });
    assert.equal(answer.text, 'heard');
    const [request] = await router.requests('t');
    assert.equal(request.input_tokens, 11);
    assert.equal(request.output_tokens, 7);
  });
}
