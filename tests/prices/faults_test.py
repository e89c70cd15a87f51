#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One request's fault is not the channel's: two minutes of a good token's requests, one a second, beside bad ones whose requests all
three providers refuse or fail at. Every good one is served; a key that is really refused is found within seconds all the same.

    faults_test.py [--pace 8] [--only NAME]

The minutes are crd's own: pace_shim (CR_TEST_PACE_SHIM) lets its steady clock run so many times faster than the wall's."""
import argparse
import asyncio
import contextlib
import json
import os
import sys
import time

from gateway import Client, Gateway, Provider, Reply

GOOD = 118
TAKES = 0.3  # seconds of an answer, good or bad


def said(message, **more):
    return {'error': {'message': message, **more}}


# What a bad request gets, and how many there are a second.
ROWS = {
    'flagged': (403, said('Your input was flagged', code=403), 1),
    'can only afford': (402, said('This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only '
                                  'afford 3919.', code=402), 0.2),
    'too large': (429, said('Request too large for m on tokens per min (TPM): Limit 30000, Requested 48212.', type='tokens',
                            code='rate_limit_exceeded'), 2),
    'one picture': (500, said('The server had an error while processing your request', type='server_error'), 10),
    'overloaded': (529, said('Overloaded', type='overloaded_error'), 3),
    'closed': (None, None, 2),
}
# Where the bad tokens are: (how many, whether the site has an account for them beside the good token's).
SITES = {'one bad': (1, True), 'three bad of one account': (3, True), 'one account': (1, False), 'three bad, one account': (3, False)}


class Closed(Exception):
    pass


class Vendor:
    """One of the three providers of a site."""

    def __init__(self, row):
        self.status, self.body, _ = row
        self.key_refused, self.asked_with_refused = False, 0

    async def start(self, pace):
        self.wait = TAKES / pace
        self.provider = await Provider(self.answer).start()
        return self

    async def answer(self, method, path, fields, raw):
        await asyncio.sleep(self.wait)
        if self.key_refused:
            self.asked_with_refused += 1
            return Reply(401, said('Incorrect API key provided', code='invalid_api_key'))
        if b'bad request' in raw:
            if self.status is None:
                raise ConnectionError
            return Reply(self.status, self.body)
        usage = {'prompt_tokens': 9, 'completion_tokens': 3, 'total_tokens': 12}
        return Reply(200, {'id': 'c1', 'object': 'chat.completion', 'created': 1, 'model': 'm', 'usage': usage, 'choices': [
            {'index': 0, 'message': {'role': 'assistant', 'content': 'word'}, 'finish_reason': 'stop'}]})


class Site:
    def __init__(self, name, row, bad, accounts, pace):
        self.name, self.row, self.bad, self.accounts, self.pace = name, row, bad, accounts, pace
        self.wrong = []

    async def run(self):
        self.vendors = [await Vendor(self.row).start(self.pace) for _ in range(3)]
        environment = {}
        if self.pace != 1:
            environment = {'LD_PRELOAD': os.environ['CR_TEST_PACE_SHIM'], 'CR_TEST_PACE': str(self.pace)}
        gateway = Gateway('[limits]\nhead_timeout = "600s"\nbody_timeout = "600s"\nidle_timeout = "3600s"', environment)
        await asyncio.to_thread(gateway.__enter__)
        try:
            await self.serve(gateway)
        finally:
            await asyncio.to_thread(gateway.__exit__)
        for vendor in self.vendors:
            await vendor.provider.stop()
            self.wrong += vendor.provider.faults
        return [f'{self.name}: {line}' for line in self.wrong]

    def body(self, words):
        return {'model': 'm', 'max_tokens': 100, 'messages': [{'role': 'user', 'content': words}]}

    def configure(self, gateway):
        for index, vendor in enumerate(self.vendors):
            gateway.channel(f'channel{index}', vendor.provider.port, ['m'])
        gateway.admin('PUT', '/prices/m', {'input': '1', 'output': '2', 'max_output_tokens': 1000})
        more = {'account': 'tenant'} if self.accounts else {}
        if self.accounts:
            gateway.admin('POST', '/accounts', {'name': 'tenant'})
        return gateway.token('good', quota='1'), [gateway.token(f'bad{index}', **more) for index in range(self.bad)]

    async def serve(self, gateway):
        good, bad = await asyncio.to_thread(self.configure, gateway)
        self.client = Client(gateway.port)
        bad_ones = asyncio.create_task(self.bad_ones(bad))
        await self.good_ones(good, GOOD)
        self.vendors[0].key_refused = True
        await self.good_ones(good, 20)
        health = (await asyncio.to_thread(gateway.admin, 'GET', '/channels/channel0'))['health']
        bad_ones.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await bad_ones
        self.client.close()
        # A key that 401 was said of is not tried again but by a probe, ever more seldom; one may be due just now.
        if health['state'] not in ('keys_refused', 'due') or self.vendors[0].asked_with_refused > 20 * (1 + self.row[2]) / 3 + 6:
            self.wrong.append(f'a refused key was used {self.vendors[0].asked_with_refused} times in 20 s: {health}')

    async def every(self, seconds, request):
        """Starts `request` every so many of crd's seconds, whether or not those before have ended."""
        running, due = set(), time.monotonic()
        try:
            while True:
                task = asyncio.create_task(request())
                running.add(task)
                task.add_done_callback(running.discard)
                due += seconds / self.pace
                await asyncio.sleep(max(0, due - time.monotonic()))
        finally:
            await asyncio.gather(*running)

    async def good_ones(self, key, count):
        started = 0
        done = asyncio.Event()

        async def request():
            nonlocal started
            number = started = started + 1
            if number == count:
                done.set()
            answer = await self.client.post('/v1/chat/completions', key, self.body('hello'))
            if answer.status != 200:
                self.wrong.append(f'good request {number}: {answer.status} {answer.body[:200]}')

        task = asyncio.create_task(self.every(1, request))
        await done.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def bad_ones(self, keys):
        turn = 0

        async def request():
            nonlocal turn
            turn += 1
            answer = await self.client.post('/v1/chat/completions', keys[turn % len(keys)], self.body('bad request'))
            # While all that is left has just failed its token, crd says so itself; else it passes on what the provider said.
            if answer.status == 200:
                self.wrong.append('a bad request was served')
            elif self.status_of_bad is not None and answer.status == self.status_of_bad and answer.json() != self.row[1]:
                self.wrong.append(f'a bad request was told {answer.body[:200]}')

        await self.every(1 / self.row[2], request)

    @property
    def status_of_bad(self):
        return self.row[0]


async def run_all(options):
    sites = [Site(f'{name}, {site}', row, bad, accounts, options.pace) for name, row in ROWS.items() for site, (bad, accounts) in SITES.items()
             if options.only in f'{name}, {site}']
    wrong = []
    for start in range(0, len(sites), options.at_once):
        for found in await asyncio.gather(*(site.run() for site in sites[start:start + options.at_once])):
            wrong += found
    return wrong, len(sites)


def main():
    options = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    options.add_argument('--pace', type=float, default=8)
    options.add_argument('--only', default='')
    options.add_argument('--at-once', type=int, default=12)
    wrong, sites = asyncio.run(run_all(options.parse_args()))
    for line in wrong[:60]:
        print(f'error: {line}', file=sys.stderr)
    print(f'{sites} sites of {GOOD} good requests')
    if wrong:
        raise SystemExit(f'{len(wrong)} faults')


if __name__ == '__main__':
    main()
