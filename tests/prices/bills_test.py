#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bill, shown: of thousands of requests with usages drawn at random, the lines that `request show` has sum to the cost that was
posted, to the nano-dollar, each being its count times its rate; `price quote` says the same of the same usage; after the prices
change, too, when the rows of before are shown by the prices of before.

    bills_test.py [--requests 10000] [--seed 1]"""
import argparse
import asyncio
import collections
import json
import pathlib
import random
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import ROUND_CEILING, Decimal

from gateway import NANO, Client, Gateway, Provider, Reply, event, nano

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODELS = [
    'gpt-5.4', 'gpt-5.5', 'gpt-5-mini', 'gpt-4o', 'gpt-4o-2024-05-13', 'gpt-4.1-nano', 'o3', 'o4-mini', 'gpt-4o-audio-preview',
    'gpt-4o-search-preview', 'gpt-6-luna', 'claude-opus-4-8', 'claude-sonnet-4-5', 'claude-haiku-4-5', 'claude-3-haiku-20240307',
    'gemini-2.5-pro', 'gemini-2.5-flash', 'gemini-2.5-flash-lite', 'gemini-3-pro-preview', 'grok-4', 'grok-4-fast', 'deepseek-chat',
    'deepseek-reasoner', 'qwen/qwen3-coder',
    'mistral-large-2512', 'sonar-pro', 'kimi-k2.5', 'llama-3.1-8b-instant', 'qwen/qwen3-32b', 'MiniMax-M2.5', 'glm-4.6']
TOLD = re.compile(r'^told by the provider beyond that = \$([0-9.]+)$')
LINE = re.compile(r'^([0-9.]+) .* x \$([0-9.]+)( a million)? = \$([0-9.]+)$')
# What `price quote` has a flag for.
QUOTED = {'input': 'input_tokens', 'cached': 'cached_tokens', 'written': 'cache_write_tokens', 'output': 'output_tokens',
          'audio_in': 'audio_input_tokens', 'audio_out': 'audio_output_tokens', 'image_in': 'image_input_tokens'}


def up_to(rng, most):
    return rng.choice([0, rng.randint(0, min(most, 50)), int(most ** rng.random()), rng.randint(0, most)])


class Case:
    """One request, and what its provider will say that it used."""

    def __init__(self, number, row, rng):
        self.number, self.row, self.rng = number, row, rng
        self.anthropic = row['provider'] == 'anthropic'
        self.responses = row['provider'] == 'openai' and 'search' not in row['model'] and 'audio' not in row['model'] and rng.random() < 0.5
        lengths = [rule['input_over'] + rng.randint(-2, 2) for rule in row.get('rules', []) if 'input_over' in rule]
        total = rng.choice([*lengths, 1 + up_to(rng, 250_000), 1 + up_to(rng, 5000)])
        self.cached = up_to(rng, total)
        self.written = up_to(rng, total - self.cached) if self.anthropic else 0
        self.hour = up_to(rng, self.written) if rng.random() < 0.3 else 0
        fresh = total - self.cached - self.written
        self.audio_in = up_to(rng, fresh) if row.get('audio_input') else 0
        self.image_in = up_to(rng, fresh - self.audio_in) if row['provider'] == 'openai' and rng.random() < 0.2 else 0
        self.input, self.output = total, 1 + up_to(rng, 20_000)
        self.audio_out = up_to(rng, self.output) if row.get('audio_output') else 0
        self.tier = rng.choice([None, None, *(value for rule in row.get('rules', []) if rule.get('request') == '/service_tier'
                                              for value in rule['is'] if value in ('priority', 'flex'))])
        self.answered_tier = self.tier if rng.random() < 0.7 else None
        # OpenRouter tells a cost of its own; where it is above ours it is charged.
        self.told = Decimal(rng.randint(1, 10 ** 9)).scaleb(-9) if row['provider'] == 'openrouter' and rng.random() < 0.5 else None
        self.searches = rng.randint(1, 9) if (self.anthropic or self.responses) and rng.random() < 0.3 else 0

    def request(self):
        words = f'case {self.number}.'
        body = {'model': self.row['model']}
        if self.tier:
            body['service_tier'] = self.tier
        if self.responses:
            body['input'] = words
            if self.searches:
                body['tools'] = [{'type': 'web_search'}]
            return '/v1/responses', body
        body['messages'] = [{'role': 'user', 'content': words}]
        if self.anthropic:
            body['max_tokens'] = 20_001
            if self.searches:
                body['tools'] = [{'type': 'web_search_20250305', 'name': 'web_search'}]
            return '/v1/messages', body
        return '/v1/chat/completions', body

    def answer(self):
        if self.anthropic:
            usage = {'input_tokens': self.input - self.cached - self.written, 'cache_read_input_tokens': self.cached,
                     'cache_creation_input_tokens': self.written, 'output_tokens': self.output,
                     'cache_creation': {'ephemeral_5m_input_tokens': self.written - self.hour, 'ephemeral_1h_input_tokens': self.hour},
                     'server_tool_use': {'web_search_requests': self.searches}, 'service_tier': self.answered_tier or 'standard'}
            return {'id': 'msg_1', 'type': 'message', 'role': 'assistant', 'model': self.row['model'], 'stop_reason': 'end_turn',
                    'content': [{'type': 'text', 'text': 'word'}], 'usage': usage}
        names = ('input', 'output') if self.responses else ('prompt', 'completion')
        usage = {f'{names[0]}_tokens': self.input, f'{names[1]}_tokens': self.output, 'total_tokens': self.input + self.output,
                 f'{names[0]}_tokens_details': {'cached_tokens': self.cached, 'audio_tokens': self.audio_in, 'image_tokens': self.image_in},
                 f'{names[1]}_tokens_details': {'audio_tokens': self.audio_out, 'reasoning_tokens': 0}}
        if self.told is not None:
            usage['cost'] = float(self.told)
        answer = {'id': 'r1', 'model': self.row['model'], 'usage': usage}
        if self.tier:
            answer['service_tier'] = self.answered_tier or 'default'
        if self.responses:
            text = {'id': 'm1', 'type': 'message', 'role': 'assistant', 'content': [{'type': 'output_text', 'text': 'word'}]}
            searches = [{'id': f'w{index}', 'type': 'web_search_call', 'status': 'completed', 'action': {'type': 'search', 'query': 'x'}}
                        for index in range(self.searches)]
            return {**answer, 'object': 'response', 'status': 'completed', 'output': [*searches, text]}
        return {**answer, 'object': 'chat.completion', 'choices': [
            {'index': 0, 'message': {'role': 'assistant', 'content': 'word'}, 'finish_reason': 'stop'}]}

    def quote(self):
        """The question of `price quote`; none where it has no flag for a part."""
        if self.hour or self.told:
            return None
        question = {'model': self.row['model'], **{member: getattr(self, name) for name, member in QUOTED.items()}}
        if self.searches:
            question['searches'] = self.searches
        if self.tier and self.answered_tier:
            question['tier'] = self.answered_tier
        return question


def exact(text):
    return Decimal(text)


class Checker:
    def __init__(self, gateway):
        self.gateway, self.wrong, self.counts = gateway, [], collections.Counter()

    def check(self, case, posted):
        shown = self.gateway.admin('GET', '/requests/' + case.id)
        bill = shown['bill']
        said = f'case {case.number}, {case.row["model"]}, {case.answer()["usage"]}: posted {posted}, {bill["text"]}'
        total = sum((exact(line['dollars']) for line in bill['lines']), Decimal(0))
        rounded = int((total * 10 ** 9).to_integral_value(ROUND_CEILING))
        if rounded != posted or nano(bill['provider_cost']) != posted:
            self.wrong.append(f'sum {rounded} {said}')
        for line, text in zip(bill['lines'], bill['text']):
            if (told := TOLD.match(text)) and exact(told[1]) == exact(line['dollars']):
                continue
            factors = LINE.match(text)
            if not factors or exact(factors[1]) * exact(factors[2]) / (10 ** 6 if factors[3] else 1) != exact(factors[4]):
                self.wrong.append(f'"{text}" is no product: {said}')
            if factors and exact(factors[4]) != exact(line['dollars']):
                self.wrong.append(f'"{text}" is not {line}')
        self.counts['shown'] += 1

    def check_quote(self, case, posted):
        question = case.quote()
        if question is None:
            return
        quoted = self.gateway.admin('POST', '/prices/quote', question)
        if nano(quoted['cost']) != posted:
            self.wrong.append(f'quote {quoted["lines"]} of {question}, posted {posted}')
        self.counts['quoted'] += 1

    def check_all(self, cases, posted, quotes):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda case: self.check(case, posted[case.id]), cases))
            if quotes:
                list(pool.map(lambda case: self.check_quote(case, posted[case.id]), cases))

    def check_crctl(self, case):
        """What crctl prints is what the admin API has, as text and as JSON."""
        text = self.gateway.crctl('request', 'show', case.id)
        bill = self.gateway.admin('GET', '/requests/' + case.id)['bill']
        if not all(line in text for line in bill['text']):
            self.wrong.append(f'{text} lacks a line of {bill["text"]}')
        if json.loads(self.gateway.crctl('request', 'show', case.id, '--json'))['bill'] != bill:
            self.wrong.append(f'--json has another bill than {bill}')


OTHERWISE = re.compile(r'= \$(-?[0-9.]+)$')


class Endings:
    """What is not simply counted: streams and answers that break off, a group's factor. The shown lines sum up all the same."""

    async def answer(self, method, path, fields, raw):
        body = json.loads(raw)
        words = body['messages'][0]['content']
        if 'closed' in words:
            raise ConnectionError
        chunk = {'id': 'c1', 'object': 'chat.completion.chunk', 'model': body['model'],
                 'choices': [{'index': 0, 'delta': {'content': 'words ' * 900}, 'finish_reason': None}]}
        reply = Reply.stream([event(chunk)])
        if 'cut' in words:
            reply.cut = True
        return reply

    async def check(self, checker):
        gateway = checker.gateway
        provider = await Provider(self.answer).start()
        gateway.admin('POST', '/groups', {'name': 'dear', 'multiplier': '1.5'})
        client = Client(gateway.port)
        for group in ('default', 'dear'):
            key = gateway.token('ends-' + group, quota='5', groups=[group])
            for words in ('closed', 'cut', 'untold'):
                for stream in (True, False):
                    # Each at a channel of its own, which no failure before it has set aside.
                    model = f'ends-{group}-{words}-{stream}'
                    gateway.channel(model, provider.port, [model], groups=['default', 'dear'])
                    gateway.admin('PUT', '/prices/' + model, {'input': '1.000000007', 'output': '3.000000011', 'max_output_tokens': 4096})
                    body = {'model': model, 'stream': stream, 'max_tokens': 300, 'messages': [{'role': 'user', 'content': words}]}
                    answer = await client.post('/v1/chat/completions', key, body, may_break=True)
                    gateway.settled()
                    self.check_row(checker, gateway.admin('GET', '/requests/' + answer.fields['x-request-id']), f'{group} {words} {stream}')
        client.close()
        await provider.stop()

    def check_row(self, checker, row, said):
        cost = nano(row['cost']) + nano(row['overrun'])
        bill = row['bill']
        if bill is None:
            if cost:
                checker.wrong.append(f'{said}: {row} has no bill')
            return
        factor, total, otherwise = Decimal(bill['multiplier']), Decimal(0), 0
        for text in bill['text'][:-1]:
            amount = OTHERWISE.search(text)
            if text.startswith('by the reservation'):
                otherwise = nano(amount[1])
            elif amount:
                total += Decimal(amount[1])
        if int((total * factor * NANO).to_integral_value(ROUND_CEILING)) + otherwise != cost or nano(OTHERWISE.search(bill['text'][-1])[1]) != cost:
            checker.wrong.append(f'{said}: {bill["text"]} do not sum to {cost}')
        checker.counts['endings'] += 1


async def ask(gateway, cases, key):
    client = Client(gateway.port)
    waiting, wrong = list(reversed(cases)), []

    async def work():
        while waiting:
            case = waiting.pop()
            path, body = case.request()
            answer = await client.post(path, key, body, {'anthropic-version': '2023-06-01'} if case.anthropic else {})
            if answer.status != 200:
                wrong.append(f'{body}: {answer.status} {answer.body[:300]}')
            case.id = answer.fields['x-request-id']

    await asyncio.gather(*(work() for _ in range(16)))
    client.close()
    return wrong


def dearer(gateway, rows, rng):
    """New prices: odd rates, rules and all."""
    for row in rows:
        changed = {'input': str(Decimal(row['input']) * 2 + Decimal('0.000000001') * rng.randint(0, 999)), 'output': str(Decimal(row['output']) + 1)}
        gateway.admin('PUT', '/prices/' + row['model'].replace('/', '%2F'), changed)


async def run(options):
    rng = random.Random(options.seed)
    listed = {row['model']: row for row in json.loads((ROOT / 'share' / 'prices.json').read_text())['models']}
    rows = [listed[model] for model in MODELS if model in listed]
    cases = [Case(number, rows[number % len(rows)], rng) for number in range(options.requests)]
    half = options.requests // 2

    async def answer(method, path, fields, raw):
        return Reply(200, cases[int(re.search(rb'case (\d+)\.', raw)[1])].answer())

    provider = await Provider(answer).start()
    with Gateway('[limits]\nledger_timeout = "60s"') as gateway:
        gateway.channel('openai', provider.port, [row['model'] for row in rows if row['provider'] != 'anthropic'])
        gateway.channel('anthropic', provider.port, ['claude-*'], kind='anthropic')
        key = gateway.token('rich', quota='9000000')
        checker = Checker(gateway)
        for part, first in ((cases[:half], True), (cases[half:], False)):
            checker.wrong += await ask(gateway, part, key)
            gateway.settled()
            posted = posted_of(gateway)
            checker.check_all(part, posted, quotes=True)
            if first:
                dearer(gateway, rows[::2], rng)
                checker.check_all(part[::5], posted, quotes=False)
        await Endings().check(checker)
        for case in rng.sample(cases, min(len(cases), 20)):
            checker.check_crctl(case)
        total = gateway.sql('SELECT (SELECT sum(posted) FROM token_balance) + (SELECT sum(overrun) FROM request)')[0][0]
        if total != sum(posted_of(gateway).values()):
            checker.wrong.append('the token was charged something else than its requests')
    await provider.stop()
    return checker, provider.faults


def posted_of(gateway):
    """{request id: nano-dollars that its provider charges}: posted, and what was not covered."""
    found, before = {}, None
    while True:
        page = gateway.admin('GET', '/requests?limit=1000' + (f'&cursor={before}' if before else ''))
        found.update((request['id'], nano(request['cost']) + nano(request['overrun'])) for request in page['items'])
        before = page['next']
        if not before:
            return found


def main():
    options = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    options.add_argument('--requests', type=int, default=10_000)
    options.add_argument('--seed', type=int, default=1)
    checker, faults = asyncio.run(run(options.parse_args()))
    for line in (checker.wrong + faults)[:30]:
        print(f'error: {line}', file=sys.stderr)
    print(', '.join(f'{count} {what}' for what, count in checker.counts.items()))
    if checker.wrong or faults:
        raise SystemExit(f'{len(checker.wrong) + len(faults)} faults')


if __name__ == '__main__':
    main()
