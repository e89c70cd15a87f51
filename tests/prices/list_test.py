#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How scripts/update_prices.py merges its sources and makes rules, on tables made up here, and that its check sees what is wrong.
Needs no package."""
import copy
import json
import pathlib
import sys
import unittest
from decimal import Decimal as D

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'scripts' / 'prices'))

import plausible  # noqa: E402
import vendors  # noqa: E402
from limits import MODELS_DEV, Limits, ModelsDev  # noqa: E402
from rows import Collector  # noqa: E402
from sources import Table, merged, text  # noqa: E402


def table(source, rates, **more):
    return Table(source, rates={key: {rate: D(value) for rate, value in row.items()} for key, row in rates.items()}, **more)


def merge(*tables):
    told = []
    return merged(tables, lambda what, values, kept: told.append((what, kept))), told


class Merging(unittest.TestCase):
    def test_the_dearer_stands_and_is_told(self):
        both, told = merge(table('a', {(None, 0): {'input': '1', 'output': '8'}}), table('b', {(None, 0): {'input': '2', 'output': '4'}}))
        self.assertEqual(both.base, {'input': D(2), 'output': D(8)})
        self.assertEqual(sorted(told), [('input', D(2)), ('output', D(8))])

    def test_rounding_is_no_difference(self):
        both, told = merge(table('a', {(None, 0): {'cached_input': '0.0375'}}), table('b', {(None, 0): {'cached_input': '0.037'}}))
        self.assertEqual(both.base, {'cached_input': D('0.0375')})
        self.assertEqual(told, [])

    def test_tiers_rise_with_the_base_that_a_source_has_not_heard_of(self):
        both, _ = merge(table('a', {(None, 0): {'input': '4'}}),
                        table('b', {(None, 0): {'input': '2'}, ('priority', 0): {'input': '3.6'}, ('flex', 0): {'input': '1'}}))
        self.assertEqual(both.rates['priority', 0]['input'], D('7.2'))
        self.assertEqual(both.rates['flex', 0]['input'], D(2))

    def test_tiers_do_not_fall(self):
        both, _ = merge(table('a', {(None, 0): {'input': '2'}}), table('b', {(None, 0): {'input': '4'}, ('priority', 0): {'input': '8'}}))
        self.assertEqual(both.rates['priority', 0]['input'], D(8))

    def test_units_and_fees_and_limits(self):
        both, told = merge(Table('a', fees={'search': D('0.01')}, units={'per_second': D('0.0001')}, context=1000),
                           Table('b', fees={'search': D('0.025')}, context=2000, output=500))
        self.assertEqual((both.fees, both.units, both.context, both.output), ({'search': D('0.025')}, {'per_second': D('0.0001')}, 2000, 500))
        self.assertEqual(told, [('search', D('0.025'))])

    def test_text_has_no_exponent_and_rounds_up_to_a_nano_dollar(self):
        self.assertEqual([text(D(number)) for number in ('1E+2', '0.10', '0', '1E-9')], ['100', '0.1', '0', '0.000000001'])
        self.assertEqual(text(D('0.111') / 3600), '0.000030834')


class NamesakesElsewhere:
    """litellm's limits of models of a name, whoever sells them."""

    def __init__(self, **most):
        self.limits = most

    def most(self, member, model):
        return self.limits.get(member)


class LongestAnswers(unittest.TestCase):
    def limits(self, profiles, **elsewhere):
        return Limits(NamesakesElsewhere(**elsewhere), ModelsDev(profiles))

    def profile(self, longest, context=100000):
        return {'max_output_tokens': longest, 'max_input_tokens': context}

    def test_the_longer_stands_and_is_told(self):
        for theirs, stands in ((5000, (5000, MODELS_DEV)), (3000, (4000, None)), (4000, (4000, None)), (None, (4000, None))):
            with self.subTest(theirs):
                limits = self.limits({'langchain_mistralai': {'m': self.profile(theirs)}})
                self.assertEqual(limits.longest([('mistral', 'm')], 4000, 100000), stands)
                self.assertEqual(limits.longer, [('mistral', 'm', 'longest answer', 4000, 5000)] if theirs == 5000 else [])

    def test_what_a_page_of_the_vendor_says_stands_however_long(self):
        limits = self.limits({'langchain_openai': {'gpt-4': self.profile(9000)}})
        documented = next(row for row in vendors.LONGEST if row[0] == r'^gpt-4(-0613)?$')
        self.assertEqual(limits.longest([('openai', 'gpt-4')], 4096, 8192), (8192, documented[2]))
        self.assertEqual(limits.longer, [])

    def test_the_context_for_want_of_a_limit_is_none(self):
        limits = self.limits({'langchain_mistralai': {'m': self.profile(5000)}})
        self.assertEqual(limits.longest([('mistral', 'm')], 100000, 100000), (vendors.OF_CONTEXT, None))

    def test_what_no_source_of_prices_tells_is_none(self):
        limits = self.limits({'langchain_mistralai': {'m': self.profile(5000)}})
        self.assertEqual(limits.longest([('mistral', 'm')], None, 100000), (None, None))

    def test_namesakes_elsewhere_speak_where_the_seller_is_not_known(self):
        profiles = {'langchain_openrouter': {'maker/m': self.profile(5000), 'maker/m-2026-01-02': self.profile(6000)}}
        for model, told, elsewhere, stands in (
                ('M', 4000, None, 5000), ('m-2026-01-02', 4000, None, 6000), ('m-2026-03-04', 4000, None, 4000),
                ('m-2026-03-04', None, 4500, 5000), ('m', None, 7000, 7000)):
            with self.subTest(model=model, told=told):
                limits = self.limits(profiles, max_output_tokens=elsewhere)
                self.assertEqual(limits.longest([('together', model)], told, 100000)[0], stands)

    def test_the_seller_that_answers_longest_counts(self):
        limits = self.limits({'langchain_groq': {'m': self.profile(1000)}, 'langchain_openrouter': {'m': self.profile(5000)}}, max_output_tokens=4500)
        self.assertEqual(limits.longest([('groq', 'm'), ('openrouter', 'm')], 4000, 100000), (5000, MODELS_DEV))

    def test_the_larger_context_stands_if_the_seller_has_it(self):
        limits = self.limits({'langchain_openrouter': {'maker/m': self.profile(5000, 300000)}, 'langchain_groq': {'m': self.profile(5000, 200000)}})
        self.assertEqual(limits.context([('groq', 'm')], 100000), (200000, MODELS_DEV))
        self.assertEqual(limits.context([('together', 'm')], 100000), (100000, None))
        self.assertEqual(limits.context([('groq', 'm')], None), (None, None))

    def test_the_list_has_what_the_pages_say(self):
        rows = {row['model']: row for row in json.loads((ROOT / 'share' / 'prices.json').read_text())['models']}
        for model, longest, default in (('qwen-plus', 114688, None), ('qwen3.8-max', 393216, None), ('MiniMax-M3', 524288, None),
                                        ('pixtral-12b-latest', 131072, 65536), ('mistral-large-2411', 131072, 65536)):
            with self.subTest(model):
                self.assertEqual((rows[model]['max_output_tokens'], rows[model].get('default_output_tokens')), (longest, default))


class Rules(unittest.TestCase):
    def rules(self, rates, provider='nobody'):
        return Collector.rules('m', provider, table('a', rates))

    def test_a_length(self):
        self.assertEqual(self.rules({(None, 0): {'input': '1', 'output': '2'}, (None, 200): {'input': '2'}}), [{'input_over': 200, 'input': '2'}])

    def test_a_length_that_changes_nothing_is_none(self):
        self.assertEqual(self.rules({(None, 0): {'input': '1'}, (None, 199): {'input': '2'}, (None, 200): {'input': '2'}}),
                         [{'input_over': 199, 'input': '2'}])

    def test_a_tier_puts_back_what_a_length_has_changed(self):
        rules = self.rules({(None, 0): {'input': '1', 'output': '2'}, (None, 200): {'input': '2', 'output': '3'}, ('priority', 0): {'input': '5'}})
        self.assertEqual([rule.get('input') for rule in rules[:2]], ['2', '5'])
        self.assertEqual(rules[1]['output'], '2')
        self.assertEqual(rules[1]['is'], ['priority', 'fast'])

    def test_a_tier_of_a_length(self):
        rules = self.rules({(None, 0): {'input': '1'}, (None, 200): {'input': '2'}, ('flex', 0): {'input': '0.5'}, ('flex', 200): {'input': '1'}})
        self.assertEqual([(rule.get('is'), rule.get('input_over'), rule['input']) for rule in rules],
                         [(None, 200, '2'), (['flex'], None, '0.5'), (['flex'], 200, '1')])

    def test_every_text_model_of_a_provider_knows_its_members(self):
        rows = json.loads((ROOT / 'share' / 'prices.json').read_text())['models']
        for provider, members in (('openai', {'/service_tier'}), ('anthropic', {'/service_tier', '/speed', '/inference_geo'})):
            for row in rows:
                if row['provider'] == provider and row.get('image_tokens') and 'image' not in row['model']:
                    known = {rule['request'] for rule in row.get('rules', []) if 'request' in rule}
                    self.assertLessEqual(members, known, row['model'])


class Checking(unittest.TestCase):
    def setUp(self):
        self.file = json.loads((ROOT / 'share' / 'prices.json').read_text())
        self.row = next(row for row in self.file['models'] if row['model'] == 'gpt-5.4')

    def complains(self, of):
        return any(of in line for line in plausible.complaints(self.file))

    def test_the_list_is_plausible(self):
        self.assertEqual(plausible.complaints(self.file), [])

    def test_what_is_wrong_is_seen(self):
        for change, of in (({'input': 2.5}, 'input is not an exact decimal'), ({'input': '0'}, 'input is free'),
                           ({'output': '1'}, 'less than half'), ({'cached_input': '3'}, 'cached_input costs more'),
                           ({'max_output_tokens': 2_000_000}, 'more output than context'), ({'surprise': 1}, 'unknown member surprise'),
                           ({'max_output_tokens': None}, 'neither a longest'), ({'sources': ['rumour']}, 'source rumour'),
                           ({'rules': [{'input': '5'}]}, 'without a condition'), ({'rules': [{'tool': 'x', 'fee': '1'}]}, 'without count'),
                           ({'rules': [{'request': 'service_tier', 'is': ['flex']}]}, 'no pointer')):
            with self.subTest(of):
                kept = copy.deepcopy(self.row)
                self.row.update(change)
                self.assertTrue(self.complains(of), change)
                self.row.clear()
                self.row.update(kept)

    def test_what_is_missing_or_twice_is_seen(self):
        self.file['models'].append(self.row)
        self.assertTrue(self.complains('gpt-5.4: listed twice'))
        self.file['models'] = [row for row in self.file['models'] if row['model'] != 'gpt-image-2.5-flare']
        self.assertTrue(self.complains('gpt-image-2.5-flare is missing'))


if __name__ == '__main__':
    unittest.main()
