#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A token with a limit works with every text model of the shipped list: its provider, which enforces the limits of models.dev (of every
tenth model half of them), refuses nothing that reaches a client; and bill <= posted + reserved <= quota.

    limits_test.py [--only MODEL]

For each model and quota a token makes four requests, one after the other: with a bound and without, as stream and plainly."""
import argparse
import asyncio
import collections
import concurrent.futures
import datetime
import json
import pathlib
import re
import sys
from decimal import Decimal

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

import oracle  # noqa: E402
from gateway import Client, Gateway, Provider, nano  # noqa: E402
from model_limits import Source  # noqa: E402
from strict_provider import LEAST_THINKING, Model, StrictProvider  # noqa: E402

QUOTAS = ['0.02', '0.3', '5', '50', '1000']
# From this quota on nothing is short for any model: what the client left open stays open.
AMPLE = 1000
OWN_BOUND = 2000
AT_ONCE = 48
NOT_TEXT = ('audio_output', 'image_output', 'per_image', 'per_character', 'per_second')
CLAMP_FLOOR, THINKING_FLOOR = 256, 4096
# Models whose chat takes max_completion_tokens alone (developers.openai.com/api/docs/guides/reasoning).
REASONING = re.compile(r'^(o\d|gpt-([5-9]|oss|daybreak)|codex)')
COMPLETIONS = re.compile(r'^(babbage-002|davinci-002|gpt-3.5-turbo-instruct)')


def text_rows():
    listed = json.loads((ROOT / 'share' / 'prices.json').read_text())
    date = datetime.date.fromisoformat(listed['date'])
    return [row for row in listed['models'] if (row['max_output_tokens'] or row.get('default_output_tokens')) and not any(
        row.get(member) for member in NOT_TEXT)], date


class Bills:
    """Dollars a token of a model, in and out, by genai-prices; by the list where that does not know the model."""

    def __init__(self, date):
        self.providers = {provider.id: provider for provider in oracle.data.providers}
        midnight = datetime.datetime.combine(date, datetime.time(0, 1), datetime.timezone.utc)
        self.day = [midnight + datetime.timedelta(minutes=30 * half) for half in range(48)]

    def rates(self, row):
        for provider, model in oracle.sellers_of(row, self.providers):
            if not oracle.vendor_says_so(row, None) and model.get_prices(self.day[0]).output_mtok is not None:
                return self.rate(model, provider, input_tokens=1000), self.rate(model, provider, output_tokens=1000)
        return Decimal(row['input']) / 10 ** 6, Decimal(row['output']) / 10 ** 6

    def rate(self, model, provider, **used):
        usage = oracle.Usage(**used)
        price = model.calc_price(usage, provider, genai_request_timestamp=self.day[0]).total_price
        by_request = model.calc_price(oracle.Usage(), provider, genai_request_timestamp=self.day[0]).total_price
        return (price - by_request) / 1000


def models_of(rows, date):
    source, bills, models = Source(), Bills(date), {}
    for index, row in enumerate(rows):
        limits = source.limits(row['provider'], row['model'], row['context_tokens'], row['max_output_tokens'], halved=index % 10 == 9)
        # What a model answers without a bound is what the list says at most: too_short() sees whether the list says enough.
        longest = min(limits.longest, row['max_output_tokens'] or row['default_output_tokens'])
        context = min(limits.context, row['context_tokens'] or limits.context)
        models[row['provider'], row['model']] = Model(
            row['provider'], row['model'], limits, longest, context, bills.rates(row), Decimal(row.get('per_request', 0)),
            completion_field=row['provider'] == 'openai' and bool(REASONING.match(row['model'])),
            refuses_stream_options=row['provider'] == 'mistral')
    return models


def too_short(rows):
    """Of an answer that can be longer than the list says, the bound of a request without one is too low."""
    source = Source()
    theirs = {row['model']: source.table.of_seller(row['provider'], row['model']).get('max_output_tokens') or 0 for row in rows}
    return [f"{row['model']} answers with {theirs[row['model']]} tokens, {row['max_output_tokens']} are listed" for row in rows
            if row['max_output_tokens'] and not row.get('default_output_tokens') and theirs[row['model']] > row['max_output_tokens']
            and not any(re.search(ids, row['model']) for ids, *_ in oracle.vendors.LONGEST)]


def endpoints_of(row):
    if row['provider'] == 'anthropic':
        return ['/v1/messages']
    if row['provider'] == 'openai':
        return ['/v1/completions'] if COMPLETIONS.match(row['model']) else ['/v1/chat/completions', '/v1/responses']
    return ['/v1/chat/completions']


def body_of(model, endpoint, bounded, stream, words):
    body = {'model': model.name, 'stream': stream}
    if endpoint == '/v1/responses':
        body['input'] = words
    elif endpoint == '/v1/completions':
        body['prompt'] = words
    else:
        body['messages'] = [{'role': 'user', 'content': words}]
    own = min(OWN_BOUND, model.limits.longest, model.limits.context // 2)
    if endpoint == '/v1/messages':  # a bound is required: where the others have none, it is the longest that the model takes
        body['max_tokens'] = own
        if not bounded:
            body['max_tokens'] = model.limits.longest
            if model.limits.longest > LEAST_THINKING:
                body['thinking'] = {'type': 'enabled', 'budget_tokens': max(LEAST_THINKING, model.limits.longest // 4)}
    elif bounded:
        field = 'max_completion_tokens' if model.completion_field else 'max_tokens'
        body['max_output_tokens' if endpoint == '/v1/responses' else field] = own
    return body


class Session:
    """The requests of one token, one after the other."""

    def __init__(self, run, row, endpoint, quota, name):
        self.run, self.row, self.endpoint, self.quota, self.name = run, row, endpoint, quota, name
        self.model = run.provider.models[row['provider'], row['model']]
        self.cases = []

    def create(self):
        self.key = self.run.gateway.token(self.name, quota=self.quota)

    async def requests(self):
        for bounded in (False, True):
            for stream in (False, True):
                await self.request(bounded, stream)

    async def request(self, bounded, stream):
        case = self.run.next_case()
        self.cases.append(case)
        body = body_of(self.model, self.endpoint, bounded, stream, f'case {case} {"long" if stream else "short"}')
        fields = {'anthropic-version': '2023-06-01'} if self.endpoint == '/v1/messages' else {}
        answer = await self.run.client.post(self.endpoint, self.key, body, fields)
        told = f'{self.endpoint} {self.model.name} of ${self.quota}, {body}'
        if answer.status != 200:
            if answer.status not in (400, 422) and self.is_short(body, answer):
                self.run.counts['refused for lack of credit'] += 1
            else:
                self.run.wrong.append(f'{told}: {answer.status} {answer.body[:300]} after {self.run.provider.refused.get(case)}')
            return
        self.run.counts['answered'] += 1
        if stream and b'"error"' in answer.body:
            self.run.wrong.append(f'{told}: {answer.body[:300]}')
        self.run.counts['refused first'] += case in self.run.provider.refused
        bound = self.run.provider.seen[case][-1]
        asked = next((body[field] for field in ('max_tokens', 'max_completion_tokens', 'max_output_tokens') if field in body), None)
        if self.invented(bound, asked):
            self.run.wrong.append(f'{told}: sent on with a bound of {bound}')

    def billed(self):
        return sum((self.run.provider.billed.get(case, Decimal(0)) for case in self.cases), Decimal(0))

    def invented(self, bound, asked):
        """A bound where nothing had to be lowered: not what the client asked for, and not below what the model would do by itself."""
        if bound is None or bound == asked:
            return False
        if asked is not None and bound > asked:
            return True
        unlimited = self.row['max_output_tokens'] and not self.row.get('default_output_tokens')
        return Decimal(self.quota) >= AMPLE and (asked is not None or bool(unlimited))

    def is_short(self, body, answer):
        """Whether even the least that is sent on costs more than is left."""
        if answer.error() not in ('insufficient_quota', 'billing_error'):
            return False
        left = Decimal(self.run.gateway.admin('GET', '/tokens/' + self.name)['left'])
        thinking = (body.get('thinking') or {}).get('budget_tokens', 0)
        floor = max(THINKING_FLOOR if self.row.get('thinks') else CLAMP_FLOOR, 1)
        asked = next((body[field] for field in ('max_tokens', 'max_completion_tokens', 'max_output_tokens') if field in body), floor)
        floor = max(min(floor, asked), thinking + 1 if thinking else 0)
        input_rate = max(Decimal(self.row[rate]) for rate in ('input', 'cache_write') if self.row.get(rate))
        floor += self.row.get('thinking_tokens') or 0
        least = (len(json.dumps(body)) + 100) * input_rate / 10 ** 6 + floor * Decimal(self.row['output']) / 10 ** 6
        return least + Decimal(self.row.get('per_request') or 0) > left


class Run:
    def __init__(self, gateway, provider):
        self.gateway, self.provider = gateway, provider
        self.wrong, self.counts, self.cases = [], collections.Counter(), 0

    def next_case(self):
        self.cases += 1
        return self.cases

    async def go(self, sessions):
        self.client = Client(self.gateway.port)
        waiting = list(reversed(sessions))

        async def work():
            while waiting:
                await waiting.pop().requests()

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        self.client.close()


def check_books(run, sessions):
    """bill <= posted + reserved <= quota, by token."""
    run.gateway.settled()
    books = {name: (posted, reserved) for name, posted, reserved in run.gateway.sql(
        'SELECT name, posted, reserved FROM token JOIN token_balance ON token_id = id')}
    for session in sessions:
        posted, reserved = books[session.name]
        bill = nano(session.billed())
        if not bill <= posted + reserved <= nano(session.quota) or reserved:
            run.wrong.append(f'{session.endpoint} {session.model.name} of ${session.quota}: bill {bill}, posted {posted}, reserved {reserved}')
    overrun = run.gateway.sql('SELECT count(*), sum(overrun) FROM request WHERE overrun > 0')[0]
    if overrun[0]:
        run.wrong.append(f'{overrun[0]} requests over their reservation, by {overrun[1]} nano-dollars')


def main():
    options = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    options.add_argument('--only', default='')
    options = options.parse_args()
    rows, date = text_rows()
    models = models_of(rows, date)
    rows = [row for row in rows if options.only in row['model']]
    short = too_short(rows)
    if short:
        raise SystemExit('error: ' + '\n'.join(short))
    asyncio.run(run_all(rows, models))


async def run_all(rows, models):
    strict = StrictProvider(models)
    provider = await Provider(strict.answer).start()
    with Gateway() as gateway:
        for name in sorted({row['provider'] for row in rows}):
            gateway.channel(name, provider.port, [row['model'] for row in rows if row['provider'] == name], path=f'/{name}/v1',
                            kind='anthropic' if name == 'anthropic' else 'openai')
        run = Run(gateway, strict)
        sessions = [Session(run, row, endpoint, quota, f'token-{index}-{row_index}-{endpoint.rsplit("/", 1)[1]}')
                    for row_index, row in enumerate(rows) for endpoint in endpoints_of(row) for index, quota in enumerate(QUOTAS)]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            await asyncio.gather(*(asyncio.get_running_loop().run_in_executor(pool, session.create) for session in sessions))
        await run.go(sessions)
        check_books(run, sessions)
        known = sum(model.limits.known for model in models.values())
        print(f'{run.cases} requests of {len(rows)} models ({known} of {len(models)} by limits of their own): '
              + ', '.join(f'{count} {what}' for what, count in run.counts.items()))
    await provider.stop()
    wrong = run.wrong + provider.faults
    for line in wrong[:40]:
        print(f'error: {line}', file=sys.stderr)
    if wrong:
        raise SystemExit(f'{len(wrong)} faults')


if __name__ == '__main__':
    main()
