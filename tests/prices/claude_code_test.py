#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A session of Claude Code on a token with $2: sixteen turns with thinking, a cache, tools of the client, a search for tools, a picture,
and in its history what the provider's own tools once found: searches, a page, the output of code (docs.claude.com/en/api/messages,
and the types of @anthropic-ai/sdk, ContentBlockParam). No turn is refused or cut, and what is posted is the provider's bill."""
import asyncio
import base64
import json
import random
import unittest
from decimal import Decimal

from gateway import Client, Gateway, Provider, Reply, event, nano
from model_limits import Limits
from strict_provider import Model, check_messages

TURNS = 16
QUOTA = '2'
MODEL = 'claude-opus-4-8'
# Dollars a million tokens: input, read from the cache, written to it, output.
RATES = [Decimal(rate) / 10 ** 6 for rate in ('5', '0.5', '6.25', '25')]
PICTURE = base64.b64encode(bytes(range(256)) * 1500).decode()
PICTURE_TOKENS = 1500
TOOLS = [{'name': f'Tool{index}', 'description': 'Does one thing of many, and tells what came of it. ' * 6,
          'input_schema': {'type': 'object', 'properties': {'path': {'type': 'string'}}}} for index in range(16)]
TOOL_SEARCH = {'type': 'tool_search_tool_regex_20251119', 'name': 'tool_search_tool_regex'}
CACHED = {'type': 'ephemeral'}


class Provided:
    """The provider: bills what the turn adds as written to the cache, and all before as read from it."""

    def __init__(self):
        self.rng = random.Random(3)
        self.model = Model('anthropic', MODEL, Limits(1_000_000, 128_000, True, True), 128_000, 1_000_000, (0, 0), Decimal(0))
        self.billed, self.turn, self.before, self.cut, self.refused = Decimal(0), 0, 0, 0, []

    async def answer(self, method, path, fields, raw):
        body = json.loads(raw)
        pictures = raw.count(b'image/png')
        tokens = (len(raw) - pictures * len(PICTURE)) // 4 + pictures * PICTURE_TOKENS
        checked = {name: value for name, value in body.items() if name not in ('system', 'tools', 'metadata', 'output_config')}
        if refusal := check_messages(self.model, checked, tokens):
            self.refused.append(refusal.body)
            return refusal
        self.turn += 1
        wanted = 900 + 40 * self.turn
        output = min(wanted, body['max_tokens'])
        self.cut += output < wanted
        read, written = self.before, tokens - self.before
        self.before = tokens
        self.billed += 5 * RATES[0] + read * RATES[1] + written * RATES[2] + output * RATES[3]
        usage = {'input_tokens': 5, 'cache_read_input_tokens': read, 'cache_creation_input_tokens': written, 'output_tokens': output,
                 'cache_creation': {'ephemeral_5m_input_tokens': written, 'ephemeral_1h_input_tokens': 0},
                 'server_tool_use': {'web_search_requests': 0}, 'service_tier': 'standard'}
        return self.stream(usage)

    def stream(self, usage):
        message = {'id': f'msg_{self.turn}', 'type': 'message', 'role': 'assistant', 'model': MODEL, 'content': [], 'stop_reason': None,
                   'stop_sequence': None, 'usage': {**usage, 'output_tokens': 1}}
        events = [event({'type': 'message_start', 'message': message}, 'message_start')]
        for index, (kind, delta) in enumerate((({'type': 'thinking', 'thinking': '', 'signature': ''}, {'type': 'thinking_delta', 'thinking': 'so'}),
                                               ({'type': 'text', 'text': ''}, {'type': 'text_delta', 'text': 'I read it.'}))):
            events += [event({'type': 'content_block_start', 'index': index, 'content_block': kind}, 'content_block_start'),
                       event({'type': 'content_block_delta', 'index': index, 'delta': delta}, 'content_block_delta'),
                       event({'type': 'content_block_stop', 'index': index}, 'content_block_stop')]
        return Reply.stream([*events, event({'type': 'ping'}, 'ping'),
                             event({'type': 'message_delta', 'delta': {'stop_reason': 'tool_use', 'stop_sequence': None}, 'usage': usage},
                                   'message_delta'), event({'type': 'message_stop'}, 'message_stop')])


def sealed(rng, size):
    return base64.b64encode(rng.randbytes(size)).decode()


def special(turn, rng):
    """What only some turns' assistants said, beside thinking, a text and the use of a tool."""
    if turn == 3:
        return [{'type': 'server_tool_use', 'id': 'srvtoolu_1', 'name': 'tool_search_tool_regex', 'input': {'query': 'git'}},
                {'type': 'tool_search_tool_result', 'tool_use_id': 'srvtoolu_1', 'content': {
                    'type': 'tool_search_tool_search_result', 'tool_references': [{'type': 'tool_reference', 'tool_name': 'Tool3'}]}}]
    if turn == 5:
        return [{'type': 'server_tool_use', 'id': 'srvtoolu_2', 'name': 'web_search', 'input': {'query': 'rfc 9110'}},
                {'type': 'web_search_tool_result', 'tool_use_id': 'srvtoolu_2', 'content': [
                    {'type': 'web_search_result', 'url': 'https://a.test', 'title': 'A', 'page_age': None,
                     'encrypted_content': sealed(rng, 900)} for _ in range(5)]},
                {'type': 'text', 'text': 'It says so.', 'citations': [
                    {'type': 'web_search_result_location', 'url': 'https://a.test', 'title': 'A', 'encrypted_index': sealed(rng, 60),
                     'cited_text': 'so'}]}]
    if turn == 7:
        return [{'type': 'server_tool_use', 'id': 'srvtoolu_3', 'name': 'web_fetch', 'input': {'url': 'https://a.test'}},
                {'type': 'web_fetch_tool_result', 'tool_use_id': 'srvtoolu_3', 'content': {
                    'type': 'web_fetch_result', 'url': 'https://a.test', 'retrieved_at': None, 'content': {
                        'type': 'document', 'title': 'A', 'source': {'type': 'text', 'media_type': 'text/plain', 'data': 'Words. ' * 300}}}}]
    if turn == 9:
        return [{'type': 'server_tool_use', 'id': 'srvtoolu_4', 'name': 'bash_code_execution', 'input': {'command': 'ls'}},
                {'type': 'bash_code_execution_tool_result', 'tool_use_id': 'srvtoolu_4', 'content': {
                    'type': 'bash_code_execution_result', 'stdout': 'a\nb\n', 'stderr': '', 'return_code': 0, 'content': []}}]
    if turn == 11:
        return [{'type': 'mcp_tool_use', 'id': 'mcptoolu_1', 'name': 'look', 'server_name': 'tracker', 'input': {}},
                {'type': 'mcp_tool_result', 'tool_use_id': 'mcptoolu_1', 'is_error': False, 'content': [{'type': 'text', 'text': 'found'}]}]
    return []


class ClaudeCode:
    def __init__(self):
        self.rng = random.Random(4)
        self.messages = [{'role': 'user', 'content': [{'type': 'text', 'text': '<system-reminder>As you answer ...</system-reminder>' * 8}]}]

    def request(self, turn):
        result = [{'type': 'tool_result', 'tool_use_id': f'toolu_{turn - 1}', 'content': 'line of a file\n' * 150}] if turn > 1 else []
        if turn == 6:
            result = [{'type': 'tool_result', 'tool_use_id': f'toolu_{turn - 1}', 'content': [
                {'type': 'image', 'source': {'type': 'base64', 'media_type': 'image/png', 'data': PICTURE}}]}]
        self.messages.append({'role': 'user', 'content': [*result, {'type': 'text', 'text': f'Turn {turn}, please.', 'cache_control': CACHED}]})
        return {'model': MODEL, 'max_tokens': 32_000, 'stream': True, 'messages': self.messages,
                'system': [{'type': 'text', 'text': 'You are Claude Code. ' * 200, 'cache_control': CACHED}],
                'tools': [*TOOLS, TOOL_SEARCH], 'metadata': {'user_id': 'user_1'},
                'thinking': {'type': 'adaptive'}, 'output_config': {'effort': 'high'}}

    def take(self, turn):
        self.messages.append({'role': 'assistant', 'content': [
            {'type': 'thinking', 'thinking': 'I look.', 'signature': sealed(self.rng, 300)},
            {'type': 'redacted_thinking', 'data': sealed(self.rng, 200)}, *special(turn, self.rng),
            {'type': 'text', 'text': 'I read it.'}, {'type': 'tool_use', 'id': f'toolu_{turn}', 'name': 'Tool1', 'input': {'path': '/src'}}]})


class ClaudeCodeSession(unittest.IsolatedAsyncioTestCase):
    async def test_no_turn_is_refused_or_cut(self):
        provided, code = Provided(), ClaudeCode()
        provider = await Provider(provided.answer).start()
        self.addAsyncCleanup(provider.stop)
        with Gateway() as gateway:
            gateway.channel('anthropic', provider.port, ['claude-*'], kind='anthropic')
            key = gateway.token('code', quota=QUOTA)
            client = Client(gateway.port)
            for turn in range(1, TURNS + 1):
                answer = await client.post('/v1/messages?beta=true', key, code.request(turn), {
                    'anthropic-version': '2023-06-01', 'anthropic-beta': 'interleaved-thinking-2025-05-14'})
                used = gateway.admin('GET', '/tokens/code')['used']
                self.assertEqual(answer.status, 200, f'turn {turn}: {answer.body[:300]} {used} used, {provided.refused}')
                self.assertIn(b'message_stop', answer.body)
                self.assertNotIn('x-crd-output-limit', answer.fields, turn)
                code.take(turn)
            client.close()
            gateway.settled()
            posted = gateway.sql('SELECT posted FROM token_balance')[0][0]
            self.assertEqual(posted, nano(provided.billed))
            self.assertLess(posted, nano(QUOTA))
            self.assertEqual(gateway.sql('SELECT count(*), sum(overrun), sum(flags) FROM request'), [(TURNS, 0, 0)])
        self.assertEqual((provider.faults, provided.cut, provided.refused), ([], 0, []))


if __name__ == '__main__':
    unittest.main()
