// SPDX-License-Identifier: MIT
// A provider that answers every endpoint that crd relays with a body as its vendor documents it, and 404 else. For the
// vendors' own test suites (suites.sh), which hold each answer against their schemas. Says its port on its first line.
import { createServer } from 'node:http';

const created = 1700000000;
const text = 'hello';
const usage = {
  prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
};
const responseUsage = {
  input_tokens: 11, input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 }, output_tokens: 7,
  output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 18,
};
const mediaUsage = { input_tokens: 11, output_tokens: 7, total_tokens: 18 };
const messageUsage = {
  input_tokens: 11, output_tokens: 7, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, server_tool_use: null,
  cache_creation: { ephemeral_1h_input_tokens: 0, ephemeral_5m_input_tokens: 0 }, service_tier: 'standard',
};
const picture = { b64_json: 'aGVsbG8=', background: 'opaque', output_format: 'png', quality: 'high', size: '1024x1024' };
const imageUsage = { ...mediaUsage, input_tokens_details: { image_tokens: 5, text_tokens: 6 } };
const categories = ['harassment', 'harassment/threatening', 'hate', 'hate/threatening', 'illicit', 'illicit/violent', 'self-harm',
  'self-harm/instructions', 'self-harm/intent', 'sexual', 'sexual/minors', 'violence', 'violence/graphic'];
const ofCategories = (value) => Object.fromEntries(categories.map((name) => [name, value]));
const model = (id) => ({ id, object: 'model', created, owned_by: 'x', type: 'model', display_name: 'M', created_at: '2025-02-19T00:00:00Z' });

const response = (name) => ({
  id: 'resp_1', object: 'response', created_at: created, status: 'completed', background: false, error: null, incomplete_details: null,
  instructions: null, max_output_tokens: null, model: name, parallel_tool_calls: true, previous_response_id: null,
  output: [{ type: 'message', id: 'msg_1', status: 'completed', role: 'assistant',
    content: [{ type: 'output_text', text, annotations: [], logprobs: [] }] }],
  reasoning: { effort: null, summary: null }, store: true, temperature: 1, text: { format: { type: 'text' } }, tool_choice: 'auto',
  tools: [], top_p: 1, truncation: 'disabled', usage: responseUsage, user: null, metadata: {},
});
const message = (name) => ({
  id: 'msg_1', type: 'message', role: 'assistant', model: name, content: [{ type: 'text', text, citations: null }],
  stop_reason: 'end_turn', stop_sequence: null, container: null, usage: messageUsage,
});
const typed = (type, rest) => [type, { type, ...rest }];

// By path: a body, or events where a stream was asked for.
const endpoints = {
  'chat/completions': ({ model: name, stream, stream_options }) => {
    const base = { id: 'c1', created, model: name };
    const chunk = (delta, finish_reason = null) =>
      ['', { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason, logprobs: null }] }];
    const last = ['', { ...base, object: 'chat.completion.chunk', choices: [], usage }];
    if (stream)
      return [chunk({ role: 'assistant', content: text }), chunk({}, 'stop'), ...(stream_options?.include_usage ? [last] : []), ['', '[DONE]']];
    const said = { role: 'assistant', content: text, refusal: null, annotations: [] };
    return { ...base, object: 'chat.completion', choices: [{ index: 0, finish_reason: 'stop', logprobs: null, message: said }], usage };
  },
  completions: ({ model: name, stream }) => {
    const choices = [{ index: 0, text, finish_reason: 'stop', logprobs: null }];
    const whole = { id: 'k1', object: 'text_completion', created, model: name, choices, usage };
    return stream ? [['', whole], ['', '[DONE]']] : whole;
  },
  embeddings: ({ model: name }) => ({
    object: 'list', model: name, data: [{ object: 'embedding', index: 0, embedding: [0.1, 0.2] }], usage: { prompt_tokens: 11, total_tokens: 11 },
  }),
  responses: ({ model: name, stream }) => {
    const whole = response(name);
    if (!stream) return whole;
    const begun = { ...whole, status: 'in_progress', output: [], usage: null };
    return [typed('response.created', { sequence_number: 0, response: begun }), typed('response.completed', { sequence_number: 1, response: whole })];
  },
  'responses/compact': () => ({ id: 'cmp_1', object: 'response.compaction', created_at: created, output: [], usage: responseUsage }),
  'responses/input_tokens': () => ({ object: 'response.input_tokens', input_tokens: 11 }),
  moderations: ({ model: name }) => ({
    id: 'modr', model: name, results: [{ flagged: false, categories: ofCategories(false), category_scores: ofCategories(0.1),
      category_applied_input_types: ofCategories(['text']) }],
  }),
  'images/generations': (asked) => images('image_generation', asked),
  'images/edits': (asked) => images('image_edit', asked),
  'images/variations': (asked) => images('image_variation', asked),
  'audio/speech': ({ stream_format }) => (stream_format === 'sse'
    ? [typed('speech.audio.delta', { audio: 'aGVsbG8=' }), typed('speech.audio.done', { usage: mediaUsage })]
    : Buffer.alloc(2000, 'x')),
  'audio/transcriptions': ({ stream }) => {
    const told = { type: 'tokens', ...mediaUsage };
    return stream ? [typed('transcript.text.delta', { delta: text, logprobs: [] }), typed('transcript.text.done', { text, logprobs: [], usage: told })]
                  : { text, usage: told };
  },
  'audio/translations': () => ({ text }),
  messages: ({ model: name, stream }) => {
    const whole = message(name);
    if (!stream) return whole;
    const begun = { ...whole, content: [], stop_reason: null, usage: { ...messageUsage, output_tokens: 1 } };
    const ended = { stop_reason: 'end_turn', stop_sequence: null, container: null };
    const { cache_creation, service_tier, ...counted } = messageUsage;
    return [typed('message_start', { message: begun }),
      typed('content_block_start', { index: 0, content_block: { type: 'text', text: '', citations: null } }),
      typed('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }), typed('content_block_stop', { index: 0 }),
      typed('message_delta', { delta: ended, usage: counted }), typed('message_stop')];
  },
  'messages/count_tokens': () => ({ input_tokens: 11, context_management: null }),
};

function images(event, { stream }) {
  if (stream) return [typed(`${event}.completed`, { ...picture, created_at: created, usage: imageUsage })];
  const { b64_json, ...how } = picture;
  return { created, data: [{ b64_json }], ...how, usage: imageUsage };
}

function answerTo(method, path, asked) {
  if (method === 'POST') return endpoints[path]?.(asked);
  if (path === 'models') return { object: 'list', first_id: null, last_id: null, has_more: false, data: [model('gpt-4o-mini')] };
  const id = /^models\/([^/]+)$/.exec(path)?.[1];
  return method === 'GET' && id ? model(decodeURIComponent(id)) : undefined;
}

function read(request, bytes) {
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/json')) return JSON.parse(bytes || '{}');  // anthropic's GETs say so of no body
  const field = (name) => new RegExp(`name="${name}"[^]*?\r\n\r\n([^]*?)\r\n--`).exec(bytes)?.[1];
  return { model: field('model'), stream: field('stream') === 'true' };
}

const server = createServer(async (request, answer) => {
  const pieces = [];
  try {
    for await (const piece of request) pieces.push(piece);
  } catch {
    return;  // it was given up
  }
  const found = answerTo(request.method, new URL(request.url, 'http://x').pathname.slice('/v1/'.length), read(request, Buffer.concat(pieces).toString('latin1')));
  const type = Array.isArray(found) ? 'text/event-stream' : Buffer.isBuffer(found) ? 'audio/mpeg' : 'application/json';
  answer.writeHead(found ? 200 : 404, { 'content-type': type });
  if (Buffer.isBuffer(found)) return answer.end(found);
  if (!Array.isArray(found)) return answer.end(JSON.stringify(found ?? { error: { message: 'no such', type: 'invalid_request_error' } }));
  for (const [name, event] of found) {
    answer.write(`${name ? `event: ${name}\n` : ''}data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
    await new Promise(setImmediate);
  }
  answer.end();
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => console.log('listening', server.address().port));
