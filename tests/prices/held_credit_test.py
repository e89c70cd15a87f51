#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Held is not used: credit that running requests have reserved is waited for, and what does not get it is told so, to be sent again.
Requests that are allowed four times what they use share all of a quota, and never more."""
import asyncio
import json
import re
import unittest

from gateway import Client, Gateway, Provider, Reply, event, nano

USED, ALLOWED = 1000, 4000
INPUT = 20


def answer_of(body, output):
    usage = {'prompt_tokens': INPUT, 'completion_tokens': output, 'total_tokens': INPUT + output}
    base = {'id': 'c1', 'created': 1, 'model': body['model']}
    if not body.get('stream'):
        return Reply(200, {**base, 'object': 'chat.completion', 'usage': usage, 'choices': [
            {'index': 0, 'message': {'role': 'assistant', 'content': 'word'}, 'finish_reason': 'stop'}]})
    base['object'] = 'chat.completion.chunk'
    return Reply.stream([event({**base, 'choices': [{'index': 0, 'delta': {'content': 'word'}, 'finish_reason': 'stop'}]}),
                         event({**base, 'choices': [], 'usage': usage}), event('[DONE]')])


class SlowProvider:
    """Each answer takes `seconds`, and USED tokens unless its bound is lower. Bills $1 a million tokens in, $10 out."""

    def __init__(self, seconds):
        self.seconds, self.billed, self.served = seconds, 0, 0

    async def answer(self, method, path, fields, raw):
        body = json.loads(raw)
        await asyncio.sleep(self.seconds)
        output = min(USED, body.get('max_tokens', USED))
        self.billed += INPUT * 1000 + output * 10_000
        self.served += 1
        if path.endswith('/messages'):
            return Reply(200, {'id': 'msg_1', 'type': 'message', 'role': 'assistant', 'model': body['model'], 'stop_reason': 'end_turn',
                               'stop_sequence': None, 'content': [{'type': 'text', 'text': 'word'}],
                               'usage': {'input_tokens': INPUT, 'output_tokens': 70}})
        return answer_of(body, output)


EACH = INPUT * 1000 + USED * 10_000


def dollars(nano_dollars):
    return f'{nano_dollars // 10 ** 9}.{nano_dollars % 10 ** 9:09d}'


class HeldCredit(unittest.IsolatedAsyncioTestCase):
    async def serve(self, seconds, settings=''):
        slow = SlowProvider(seconds)
        provider = await Provider(slow.answer).start()
        self.addAsyncCleanup(provider.stop)
        gateway = self.enterContext(Gateway(settings))
        gateway.channel('slow', provider.port, ['plain'])
        gateway.admin('PUT', '/prices/plain', {'input': '1', 'output': '10', 'max_output_tokens': 8000})
        client = Client(gateway.port)
        self.addCleanup(client.close)
        self.provider = provider
        return gateway, client, slow

    def check_books(self, gateway, billed, quota, where='token'):
        gateway.settled()
        table = {'token': 'token_balance', 'account': 'account_balance', 'budget': 'budget_window'}[where]
        posted, reserved = gateway.sql(f'SELECT sum(posted), sum(reserved) FROM {table}')[0]
        self.assertEqual(billed, posted)
        self.assertLessEqual(posted + reserved, quota)
        self.assertEqual(gateway.sql('SELECT count(*) FROM request WHERE overrun > 0'), [(0,)])
        return posted

    def check_refused(self, answers, left):
        """Each refused one may be sent again; but for credit that is used up, there is too little left for any."""
        for answer in answers:
            if answer.status == 200:
                continue
            self.assertEqual(answer.status, 429, answer.body)
            if answer.error() == 'credit_reserved':
                self.assertEqual(answer.fields.get('retry-after'), '1')
                self.assertRegex(answer.json()['error']['message'], r'\$[0-9.]+ of \$[0-9.]+ is reserved by \d+ running request')
            else:
                self.assertEqual(answer.error(), 'insufficient_quota', answer.body)
                self.assertLess(left, EACH, answer.body)

    async def ask(self, client, keys, count, **more):
        body = {'model': 'plain', 'max_tokens': ALLOWED, 'messages': [{'role': 'user', 'content': 'hello'}], **more}
        return await asyncio.gather(*(client.post('/v1/chat/completions', keys[index % len(keys)], body) for index in range(count)))

    async def test_credit_for_25_serves_25_of_60_at_once(self):
        for more in ({}, {'stream': True}):
            gateway, client, slow = await self.serve(0.2)
            quota = 25 * EACH
            answers = await self.ask(client, [gateway.token('shared', quota=dollars(quota))], 60, **more)
            served = sum(answer.status == 200 for answer in answers)
            self.assertEqual(served, slow.served)
            posted = self.check_books(gateway, slow.billed, quota)
            self.assertGreaterEqual(served, 22, [answer.body for answer in answers if answer.status != 200][:2])
            self.check_refused(answers, quota - posted)
            self.assertEqual(await self.again_is_refused(client, gateway, quota - posted), True)

    async def again_is_refused(self, client, gateway, left):
        """Once all is posted, the word is of what is used, and not to be sent again."""
        if left >= EACH:
            return True
        key = gateway.admin('POST', '/tokens/shared/rotate', {})['key']
        answer = (await self.ask(client, [key], 1))[0]
        return answer.status in (200, 429) and answer.error() != 'credit_reserved'

    async def test_the_credit_of_an_account_too(self):
        gateway, client, slow = await self.serve(0.2)
        quota = 25 * EACH
        gateway.admin('POST', '/accounts', {'name': 'acme', 'quota': dollars(quota)})
        keys = [gateway.token(f'of-acme-{index}', account='acme') for index in range(3)]
        answers = await self.ask(client, keys, 60)
        posted = self.check_books(gateway, slow.billed, quota, 'account')
        self.assertGreaterEqual(sum(answer.status == 200 for answer in answers), 22)
        self.check_refused(answers, quota - posted)

    async def test_a_budget_serves_six_that_may_cost_more_than_it_at_once(self):
        gateway, client, slow = await self.serve(0.2)
        gateway.channel('claude', self.provider.port, ['claude-*'], kind='anthropic')
        key = gateway.token('budgeted', budgets={'day': '5'})
        body = {'model': 'claude-sonnet-4-5', 'max_tokens': 64000, 'messages': [{'role': 'user', 'content': 'x' * 76_000}]}
        answers = await asyncio.gather(*(client.post('/v1/messages', key, body, {'anthropic-version': '2023-06-01'}) for _ in range(6)))
        self.assertEqual([answer.status for answer in answers], [200] * 6, [answer.body for answer in answers])
        gateway.settled()
        self.assertLess(gateway.sql('SELECT posted FROM budget_window')[0][0], nano('0.02'))

    async def test_who_waits_in_vain_is_told_how_much_is_reserved(self):
        gateway, client, slow = await self.serve(3, '[tokens]\ncredit_wait = "500ms"')
        quota = 10 * EACH
        answers = await self.ask(client, [gateway.token('shared', quota=dollars(quota))], 6)
        refused = [answer for answer in answers if answer.status != 200]
        self.assertEqual({answer.error() for answer in refused}, {'credit_reserved'}, [answer.body for answer in refused])
        self.assertEqual(len(answers) - len(refused), 2)
        self.check_refused(answers, quota)
        reserved = re.search(r'\$([0-9.]+) of \$([0-9.]+) is reserved by 2 running', refused[0].json()['error']['message'])
        self.assertEqual(nano(reserved[2]), quota)
        self.check_books(gateway, slow.billed, quota)

    async def test_who_refuses_to_be_cut_waits_as_well(self):
        gateway, client, slow = await self.serve(0.2)
        quota = 25 * EACH
        answers = await self.ask(client, [gateway.token('shared', quota=dollars(quota), when_low='refuse')], 60)
        posted = self.check_books(gateway, slow.billed, quota)
        # The last three cannot be covered whole.
        self.assertGreaterEqual(sum(answer.status == 200 for answer in answers), 21)
        for answer in answers:
            if answer.error() == 'insufficient_quota':
                self.assertLess(quota - posted, 5 * EACH)


if __name__ == '__main__':
    unittest.main()
