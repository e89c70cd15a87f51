#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A session of Codex on a token with $2: twenty turns as it sends them (github.com/openai/codex, codex-rs/protocol/src/models.rs,
ResponseItem, and codex-rs/tools/src/tool_spec.rs), a history that grows, tools that run at the client and a search that does not, a
compaction in the middle. No turn is refused, no answer is cut, and what is posted is the provider's bill."""
import asyncio
import base64
import json
import random
import unittest
from decimal import Decimal

from gateway import Client, Gateway, Provider, Reply, event, nano

TURNS = 20
QUOTA = '2'
SEARCH_FEE = Decimal('0.01')  # web search, a call (openai.com/api/pricing)
# Dollars a million tokens: input, cached, output.
RATES = {'gpt-5.4': ('2.5', '0.25', '15'), 'gpt-5-codex': ('1.25', '0.125', '10')}
LONGEST = 128_000
PICTURE = 'data:image/png;base64,' + base64.b64encode(bytes(range(256)) * 2000).decode()  # 512 kB, 765 tokens
PICTURE_TOKENS = 765
EXEC = {'type': 'function', 'name': 'exec_command', 'description': 'Runs a command in a PTY, returning output or a session ID.',
        'strict': False, 'parameters': {'type': 'object', 'properties': {'cmd': {'type': 'string'}, 'workdir': {'type': 'string'},
                                                                       'yield_time_ms': {'type': 'number'}},
                                        'required': ['cmd'], 'additionalProperties': False}}
PATCH = {'type': 'custom', 'name': 'apply_patch', 'description': 'Use the `apply_patch` tool to edit files.',
         'format': {'type': 'grammar', 'syntax': 'lark', 'definition': 'start: begin_patch hunk+ end_patch\n' * 20}}
MCP = {'type': 'namespace', 'name': 'mcp__tracker', 'description': 'Tools of the server tracker.', 'tools': [
    {'type': 'function', 'name': f'tool_{index}', 'description': 'Looks an issue up.', 'strict': False,
     'parameters': {'type': 'object', 'properties': {'id': {'type': 'string'}}}} for index in range(12)]}
SEARCH = {'type': 'web_search', 'external_web_access': True, 'search_context_size': 'medium'}
TOOL_SEARCH = {'type': 'tool_search', 'execution': 'client', 'description': 'Searches over deferred tools.',
               'parameters': {'type': 'object', 'properties': {'query': {'type': 'string'}}}}
TOOLS = [EXEC, PATCH, MCP, TOOL_SEARCH, SEARCH]


def text(role, words):
    return {'type': 'message', 'role': role, 'content': [{'type': 'output_text' if role == 'assistant' else 'input_text', 'text': words}]}


def sealed(rng, size):
    return base64.b64encode(rng.randbytes(size)).decode()


class Model:
    """The provider: counts four bytes a token, remembers what it stores, bills by RATES."""

    def __init__(self):
        self.rng = random.Random(2)
        self.billed, self.bounds, self.stored, self.cut, self.wrong = Decimal(0), [], {}, 0, []
        self.turn = 0

    async def answer(self, method, path, fields, raw):
        if method == 'GET' or not path.endswith('/responses'):
            return Reply(404, {'error': {'message': 'no such path'}})
        body = json.loads(raw)
        self.turn += 1
        if unknown := set(body) - {'model', 'instructions', 'input', 'tools', 'tool_choice', 'parallel_tool_calls', 'reasoning', 'store',
                                   'stream', 'include', 'prompt_cache_key', 'text', 'previous_response_id', 'max_output_tokens',
                                   'client_metadata'}:
            return Reply(400, {'error': {'message': f"Unknown parameter: '{unknown.pop()}'.", 'code': 'unknown_parameter'}})
        pictures = raw.count(b'data:image/png;base64,') + raw.count(b'"image_generation_call"')
        new = (len(raw) - pictures * len(PICTURE)) // 4 + pictures * PICTURE_TOKENS
        before = 0
        if previous := body.get('previous_response_id'):
            before = self.stored[previous]
        cached = before or int(new * 0.8)
        bound = body.get('max_output_tokens')
        self.bounds.append(bound)
        wanted = 1200 + self.turn * 70
        output = min(wanted, bound or LONGEST)
        self.cut += output < wanted
        searches = 2 if self.turn in (5, 14) else 0
        brought = searches * 3000
        usage = {'input_tokens': before + new + brought, 'input_tokens_details': {'cached_tokens': cached}, 'output_tokens': output,
                 'output_tokens_details': {'reasoning_tokens': output // 2}, 'total_tokens': before + new + brought + output}
        rates = [Decimal(rate) / 10 ** 6 for rate in RATES[body['model']]]
        fresh = usage['input_tokens'] - cached
        self.billed += fresh * rates[0] + cached * rates[1] + output * rates[2] + searches * SEARCH_FEE
        identity = f'resp_{self.turn:04}'
        self.stored[identity] = usage['input_tokens'] + output
        return self.stream(identity, body, usage, searches)

    def stream(self, identity, body, usage, searches):
        items = [{'type': 'reasoning', 'id': 'rs_1', 'summary': [], 'encrypted_content': sealed(self.rng, 1500)}]
        items += [{'type': 'web_search_call', 'id': f'ws_{index}', 'status': 'completed',
                   'action': {'type': 'search', 'query': 'how to', 'queries': ['how to']}} for index in range(searches)]
        items += [{'type': 'function_call', 'id': 'fc_1', 'call_id': f'call_{self.turn}', 'name': 'exec_command', 'status': 'completed',
                   'arguments': json.dumps({'cmd': 'rg --files', 'workdir': '/src'})},
                  {**text('assistant', 'I look at the files first. ' * 4), 'id': 'msg_1', 'status': 'completed', 'phase': 'commentary'}]
        response = {'id': identity, 'object': 'response', 'status': 'in_progress', 'model': body['model'], 'output': [], 'usage': None,
                    'service_tier': 'default', 'store': body['store']}
        events = [event({'type': 'response.created', 'response': response}, 'response.created')]
        for index, item in enumerate(items):
            events.append(event({'type': 'response.output_item.done', 'output_index': index, 'item': item}, 'response.output_item.done'))
        done = {**response, 'status': 'completed', 'output': items, 'usage': usage}
        return Reply.stream([*events, event({'type': 'response.completed', 'response': done}, 'response.completed')])


class Codex:
    """The client: `store` and previous_response_id, or its whole history with each turn; tools as a member, or as an item."""

    def __init__(self, model, store, tools_in_input):
        self.model, self.store, self.tools_in_input = model, store, tools_in_input
        self.rng = random.Random(1)
        self.history, self.new, self.previous = [], [], None
        self.add({'type': 'message', 'role': 'developer', 'content': [{'type': 'input_text', 'text': '<permissions instructions>' * 20}]})
        self.add(text('user', '<environment_context>\n  <cwd>/src</cwd>\n  <shell>bash</shell>\n</environment_context>'))

    def add(self, *items):
        self.history += items
        self.new += items

    def request(self, turn):
        self.add(text('user', f'Turn {turn}: now mend the next one, please.'))
        self.add(*self.special(turn))
        continues = self.store and self.previous
        given = self.new if continues else self.history
        if self.tools_in_input and not continues:
            given = [{'type': 'additional_tools', 'role': 'developer', 'tools': TOOLS}, *given]
        body = {'model': self.model, 'instructions': 'You are Codex, a coding agent based on GPT-5. ' * 60, 'input': given,
                'tools': [] if self.tools_in_input else TOOLS, 'tool_choice': 'auto', 'parallel_tool_calls': True,
                'reasoning': {'effort': 'medium', 'summary': 'auto'}, 'store': self.store, 'stream': True,
                'include': ['reasoning.encrypted_content'], 'prompt_cache_key': '0199-aaaa', 'text': {'verbosity': 'low'},
                'client_metadata': {'x-codex-installation-id': '1'}}
        if continues:
            body['previous_response_id'] = self.previous
        return body

    def special(self, turn):
        """What only some turns bring into the history."""
        if turn == 3:
            return [{'type': 'tool_search_call', 'call_id': 'tsc_1', 'status': 'completed', 'execution': 'client', 'arguments': {'query': 'x'}},
                    {'type': 'tool_search_output', 'call_id': 'tsc_1', 'status': 'completed', 'execution': 'client', 'tools': [EXEC, MCP]}]
        if turn == 4:
            return [{'type': 'local_shell_call', 'call_id': 'lsh_1', 'status': 'completed',
                     'action': {'type': 'exec', 'command': ['ls'], 'timeout_ms': 1000, 'env': {}}}]
        if turn == 6:
            return [{'type': 'custom_tool_call', 'call_id': 'ctc_1', 'name': 'apply_patch', 'input': '*** Begin Patch\n' * 30},
                    {'type': 'custom_tool_call_output', 'call_id': 'ctc_1', 'output': 'Success. Updated the following files:\nM a.cpp\n'}]
        if turn == 7:
            return [{'type': 'function_call_output', 'call_id': 'call_view', 'output': [
                {'type': 'input_text', 'text': 'the screenshot'}, {'type': 'input_image', 'image_url': PICTURE, 'detail': 'high'}]}]
        if turn == 8:
            return [{'type': 'image_generation_call', 'id': 'ig_1', 'status': 'completed', 'revised_prompt': 'A cat', 'result': PICTURE[22:]}]
        if turn == 9:
            return [{'type': 'agent_message', 'author': 'worker', 'recipient': 'root', 'content': [
                {'type': 'input_text', 'text': 'done'}, {'type': 'encrypted_content', 'encrypted_content': sealed(self.rng, 800)}]}]
        if turn == 12:
            return [{'type': 'configuration_update', 'reasoning': {'effort': 'high'}}]
        if turn == 16:
            return [{'type': 'context_compaction', 'encrypted_content': sealed(self.rng, 2000)}]
        return []

    def take(self, answer):
        """Its answer's items, and what its tools said of the calls."""
        done = [json.loads(line[5:]) for line in answer.body.decode().splitlines() if line.startswith('data:')]
        self.last = done[-1]
        if self.last['type'] != 'response.completed':
            return
        self.previous = self.last['response']['id']
        items = [{key: value for key, value in item.items() if key != 'status'} for item in self.last['response']['output']]
        self.new = []
        self.history += items
        for item in items:
            if item['type'] == 'function_call':
                self.add({'type': 'function_call_output', 'call_id': item['call_id'], 'output': 'src/main.cpp\n' * 120})

    def compact(self):
        """Half way the history is given up for what the provider made of it (its endpoint for that is not crd's)."""
        kept = [item for item in self.history if item.get('role') == 'user'][-3:]
        self.history = [*kept, {'type': 'compaction', 'encrypted_content': sealed(self.rng, 4000)}]
        self.new, self.previous = list(self.history), None


class CodexSession(unittest.IsolatedAsyncioTestCase):
    async def session(self, codex):
        model = Model()
        provider = await Provider(model.answer).start()
        self.addAsyncCleanup(provider.stop)
        with Gateway() as gateway:
            gateway.channel('openai', provider.port, list(RATES))
            key = gateway.token('codex', quota=QUOTA)
            client = Client(gateway.port)
            for turn in range(1, TURNS + 1):
                if turn == 11:
                    codex.compact()
                answer = await client.post('/v1/responses', key, codex.request(turn), {'accept': 'text/event-stream', 'originator': 'codex_cli_rs'})
                left = gateway.admin('GET', '/tokens/codex')
                self.assertEqual(answer.status, 200, f'turn {turn}: {answer.body[:300]} {left["used"]} used')
                codex.take(answer)
                self.assertEqual(codex.last['type'], 'response.completed', turn)
                self.assertNotIn('x-crd-output-limit', answer.fields, turn)
            client.close()
            gateway.settled()
            posted = gateway.sql('SELECT posted FROM token_balance')[0][0]
            self.assertEqual(posted, nano(model.billed))
            self.assertLess(posted, nano(QUOTA))
            self.assertEqual(gateway.sql('SELECT count(*), sum(overrun), sum(flags) FROM request'), [(TURNS, 0, 0)])
        self.assertEqual(provider.faults, [])
        self.assertEqual(model.cut, 0)
        # What bounds an answer here is a quarter of what is left, and no answer comes near it.
        self.assertTrue(all(bound is None or bound >= 8192 for bound in model.bounds), model.bounds)

    async def test_the_whole_history_with_each_turn(self):
        await self.session(Codex('gpt-5.4', store=False, tools_in_input=False))

    async def test_tools_as_an_item_of_the_input(self):
        await self.session(Codex('gpt-5.4', store=False, tools_in_input=True))

    async def test_responses_that_go_on_from_stored_ones(self):
        await self.session(Codex('gpt-5.4', store=True, tools_in_input=False))

    async def test_an_older_model(self):
        await self.session(Codex('gpt-5-codex', store=False, tools_in_input=False))


if __name__ == '__main__':
    unittest.main()
