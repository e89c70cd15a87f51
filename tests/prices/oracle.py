#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds crd's own costs against an independent implementation of the same public prices, the package genai-prices: for every
shipped model and usages drawn at random, cost() is never below, and equal where no reason written down here says otherwise.

    oracle.py COST_OF [--usages 100000] [--seed 1] [--list share/prices.json]

COST_OF is a program that reads one JSON object a line, {"model", "usage": {...}, "told": {...}}, and answers each with its
nano-dollars. `usage` has the members of dialect::Usage, `told` what a response tells beside, by JSON pointer. genai-prices is
looked for where scripts/deps.sh puts it; it asks nothing of the network.
"""
import argparse
import collections
import datetime
import functools
import json
import pathlib
import random
import re
import subprocess
import sys
import warnings
from decimal import ROUND_CEILING, Decimal

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / 'scripts' / 'prices'), *map(str, (ROOT / 'build' / 'genai-prices' / 'lib').glob('python3*/site-packages'))]

import vendors  # noqa: E402
from genai_prices import Usage, data  # noqa: E402
from selection import SAME, SELECTIONS  # noqa: E402

NANO = Decimal(10) ** 9
ROUNDING = Decimal('0.02')
# Anthropic charges so many times the rates of tokens for inference that stays in the US
# (platform.claude.com/docs/en/build-with-claude/data-residency); genai-prices does not know of it.
KEPT_IN_THE_US = Decimal('1.1')

# The rates of a row: genai-prices' names for them, and what of a usage they are of.
RATES = {
    'input': 'input_mtok', 'cached_input': 'cache_read_mtok', 'cache_write': 'cache_write_mtok', 'cache_write_hour': 'cache_write_1h_mtok',
    'output': 'output_mtok', 'audio_input': 'input_audio_mtok', 'cached_audio_input': 'cache_audio_read_mtok',
    'audio_output': 'output_audio_mtok', 'image_input': 'input_image_mtok', 'cached_image_input': 'cache_image_read_mtok',
    'image_output': 'output_image_mtok'}
USED = {
    'input': 'input_tokens', 'cached_input': 'cached_tokens', 'cache_write': 'cache_write_tokens',
    'cache_write_hour': 'long_cache_write_tokens', 'output': 'output_tokens', 'audio_input': 'audio_input_tokens',
    'cached_audio_input': 'cached_audio_tokens', 'audio_output': 'audio_output_tokens', 'image_input': 'image_input_tokens',
    'cached_image_input': 'cached_image_tokens', 'image_output': 'image_output_tokens', 'per_second': 'audio_ms', 'per_character': 'characters'}


# --- why crd may take more ------------------------------------------------------------------------------------------
# Each says of a row and a case whether it explains that crd's cost is above genai-prices'. None explains one below.

def sold_at_two_prices(row, case):
    """litellm, or another seller of the same name, is dearer for something that was used: disagreements.md has the row."""
    return any(case.used(what) for what in recorded_disagreements().get((row['provider'], row['model']), ()))


def rounded_by_one_source(row, case):
    """The sources are of one mind, but one of them has rounded a rate to two digits: the higher is listed."""
    price = case.model.get_prices(case.day[0], case.context)
    theirs = {rate: getattr(price, key) for rate, key in RATES.items()}
    return any(0 < Decimal(listed[rate]) - lowest(theirs[rate]) <= ROUNDING * Decimal(listed[rate])
               for listed in (row, *row.get('rules', [])) for rate in RATES if rate in listed and theirs[rate] is not None and case.used(rate))


def longer_than_the_other_source_says(row, case):
    """litellm knows a length of input from which on more is charged, where genai-prices has none."""
    return case.flat and any(case.usage.get('input_tokens', 0) > rule.get('input_over', 10**12) for rule in row.get('rules', []))


def has_a_rate_of_its_own(row, case):
    """litellm knows a rate for sound, images, or what a cache keeps, where genai-prices has none but that of text."""
    return any(case.usage.get(member) and rate in row and rate not in case.known
               for rate, member in (('audio_input', 'audio_input_tokens'), ('audio_output', 'audio_output_tokens'),
                                    ('image_input', 'image_input_tokens'), ('image_output', 'image_output_tokens'),
                                    ('cache_write', 'cache_write_tokens'), ('cache_write_hour', 'long_cache_write_tokens')))


def charged_with_each_request(row, case):
    """The searches of a search model, and Groq's ten seconds of sound at least, are not told: they are charged with each request."""
    return any(re.search(ids, row['model']) for ids, *_ in vendors.WITH_EACH_REQUEST)


def searches_by_preview(row, case):
    """Web search preview costs $25 a thousand on a model that does not reason; genai-prices has web search alone, $10."""
    return row['provider'] == 'openai' and bool(re.match(vendors.NO_REASONING, row['model'])) and case.searches > 0


def seconds_in_nano_dollars(row, case):
    """An hour's price has no exact rate a second: it is rounded up at the ninth decimal."""
    return case.usage.get('audio_ms', 0) > 0 and case.above <= case.usage['audio_ms'] / 1000 + 1


REASONS = [sold_at_two_prices, rounded_by_one_source, longer_than_the_other_source_says, has_a_rate_of_its_own,
           charged_with_each_request, searches_by_preview, seconds_in_nano_dollars]


# --- why crd may take less: only where the vendor's own page says so -------------------------------------------------

def vendor_says_so(row, case):
    """The vendor's page overrules genai-prices: scripts/prices/vendors.py, CORRECTIONS."""
    return any(re.search(ids, row['model']) and members for ids, members, *_ in vendors.CORRECTIONS)


@functools.cache
def recorded_disagreements():
    """{(provider, model): what the sources disagree on}, from the report that the list was made with."""
    recorded = collections.defaultdict(set)
    for line in (ROOT / 'scripts' / 'prices' / 'disagreements.md').read_text().splitlines():
        cells = line.strip('| ').split(' | ')
        if len(cells) == 5:
            recorded[cells[0], cells[1]].add(cells[2].split(' ')[0])
    return recorded


def lowest(price):
    return min([price.base, *(tier.price for tier in price.tiers)]) if hasattr(price, 'tiers') else price


# --- cases ----------------------------------------------------------------------------------------------------------

class Case:
    """One request of a model: what it used, what was told of it, and what genai-prices says of that."""

    def __init__(self, row, rng, seller, day):
        self.row, self.rng = row, rng
        self.provider, self.model = seller
        constraints = [price.constraint for price in self.model.prices] if isinstance(self.model.prices, list) else []
        self.day = day if any(hasattr(constraint, 'start_time') for constraint in constraints) else day[:1]
        self.price = self.model.get_prices(day[0])
        self.known = {rate for rate, key in RATES.items() if getattr(self.price, key) is not None}
        self.flat = not any(getattr(value, 'tiers', []) for value in self.price.__dict__.values())
        self.usage, self.told, self.context, self.theirs = {}, {}, {}, {}
        self.searches = 0
        self.theirs_nano = self.above = Decimal(0)
        self.draw_tokens()
        self.draw_other_units()
        self.draw_tier()
        self.draw_tools()

    def used(self, what):
        """Whether the case used what a rate, or a fee, is of."""
        return self.searches > 0 if what == 'search' else self.usage.get(USED.get(what), 0) > 0

    def up_to(self, most):
        """0 often, small numbers often, and every size up to `most`."""
        return self.rng.choice([0, self.rng.randint(0, min(most, 100)), int(most ** self.rng.random()), self.rng.randint(0, most)])

    def lengths(self):
        edges = [tier.start for value in self.price.__dict__.values() for tier in getattr(value, 'tiers', [])]
        edges += [rule['input_over'] for rule in self.row.get('rules', []) if 'input_over' in rule]
        near = [edge + self.rng.randint(-2, 2) for edge in edges]
        return near + [self.up_to(self.row.get('context_tokens') or 200_000) for _ in range(2)]

    def draw_tokens(self):
        if not self.known & {'input', 'output', 'audio_input', 'image_input'}:
            return
        total = self.rng.choice(self.lengths())
        cached = self.part('cached_input', total)
        written = self.part('cache_write', total - cached)
        hour = self.part('cache_write_hour', written)
        fresh = total - cached - written
        audio = self.part('audio_input', fresh)
        image = self.part('image_input', fresh - audio)
        cached_audio = self.part('cached_audio_input', cached)
        cached_image = self.part('cached_image_input', cached - cached_audio)
        output = self.up_to(self.row.get('max_output_tokens') or 32_768) if 'output' in self.known else 0
        audio_out = self.part('audio_output', output)
        image_out = self.part('image_output', output - audio_out)
        self.usage = {
            'input_tokens': total, 'cached_tokens': cached, 'cache_write_tokens': written, 'long_cache_write_tokens': hour,
            'output_tokens': output, 'audio_input_tokens': audio + cached_audio, 'cached_audio_tokens': cached_audio,
            'audio_output_tokens': audio_out, 'image_input_tokens': image + cached_image, 'cached_image_tokens': cached_image,
            'image_output_tokens': image_out}
        self.theirs = {
            'input_tokens': total, 'cache_read_tokens': cached, 'cache_write_tokens': written, 'cache_write_1h_tokens': hour,
            'output_tokens': output, 'input_audio_tokens': audio + cached_audio, 'cache_audio_read_tokens': cached_audio,
            'output_audio_tokens': audio_out, 'input_image_tokens': image + cached_image, 'cache_image_read_tokens': cached_image,
            'output_image_tokens': image_out}

    def part(self, rate, of):
        return self.up_to(of) if rate in self.known else 0

    def draw_other_units(self):
        if self.price.input_audio_hours or self.price.audio_hours:
            milliseconds = self.up_to(3_600_000)
            self.usage['audio_ms'] = milliseconds
            seconds = Decimal(milliseconds) / 1000
            self.theirs.update(audio_seconds=seconds, input_audio_seconds=seconds)
        if self.price.input_mchars:
            self.usage['characters'] = self.theirs['input_characters'] = self.up_to(10_000)

    def draw_tier(self):
        """A tier that genai-prices has a price for; or one that costs nothing more, or none is told."""
        day = self.day[0]
        priced = [variant.when for variant in self.model.price_variants or []
                  if set(variant.when) <= {'service_tier', 'speed'} and (not variant.constraint or variant.constraint.active(day))]
        self.context = dict(self.rng.choice([{}, *priced]))
        asked = {'/service_tier': 'service_tier', '/speed': 'speed'}
        for rule in self.row.get('rules', []):
            value = self.context.get(asked.get(rule.get('request')))
            if value in rule.get('is', []) and 'input_over' not in rule:
                self.told[rule['answer']] = value
            elif rule.get('request') and len(rule) == 3 and rule['answer'] not in self.told and self.rng.random() < 0.5:
                self.told[rule['answer']] = self.rng.choice(rule['is'])  # costs nothing more
            elif 'factor' in rule and self.rng.random() < 0.1:
                self.told[rule['answer']] = self.rng.choice(rule['is'])
        missing = set(self.context.values()) - set(self.told.values())
        if missing:
            raise SystemExit(f"{self.row['model']} has no rule for {missing}")

    def draw_tools(self):
        tools = {rule['tool']: rule['count'] for rule in self.row.get('rules', []) if 'tool' in rule and rule['tool'] != 'image_generation'}
        for tool, price, theirs in (('search', self.price.web_searches_kcount, 'web_searches'),
                                    ('file_search', self.price.storage_searches_kcount, 'storage_searches')):
            pointer = next((count for name, count in tools.items() if name.endswith(tool) and (tool != 'search' or name != 'file_search')), None)
            if price and (pointer or theirs == 'web_searches'):
                calls = self.up_to(30)
                self.theirs[theirs] = calls
                if pointer:
                    self.told[pointer] = calls
                if theirs == 'web_searches':
                    self.searches = calls
                    if not pointer and calls > 1:  # a search model: charged with the request
                        self.theirs[theirs] = self.searches = 1

    def question(self):
        return json.dumps({'model': self.row['model'], 'usage': self.usage, 'told': self.told})

    def their_nano(self):
        """At the dearest hour of the day: a quota must hold at any."""
        usage = Usage(**self.theirs)
        dearest = max(self.model.calc_price(usage, self.provider, genai_request_timestamp=hour, price_context=self.context or None).total_price
                      for hour in self.day)
        if self.told.get('/usage/inference_geo') == 'us':
            fees = self.searches * (self.price.web_searches_kcount or 0) / 1000
            dearest = (dearest - fees) * KEPT_IN_THE_US + fees
        return (dearest * NANO).quantize(Decimal(1), ROUND_CEILING)


def sellers_of(row, providers):
    """Who sells a name, as genai-prices knows them: [(provider, model)]. Each is held against."""
    names = [name for name in (row['model'], SAME.get(row['model'])) if name]
    found = [(providers[selection.genai], name) for selection in SELECTIONS for name in names
             if selection.genai and (selection.takes(name) or name in selection.also)]
    return [(provider, provider.find_model(name)) for provider, name in found if spells(provider, name)]


def spells(provider, name):
    """Whether the provider has a model of just this name: genai-prices is not particular about capitals, providers are."""
    model = provider.find_model(name)
    if model is None:
        return False
    alike = [known for known in named_ids(model.match) if known.lower() == name.lower()]
    return not alike or name in alike


def named_ids(match):
    return [match.equals] if hasattr(match, 'equals') else [name for part in getattr(match, 'or_', []) for name in named_ids(part)]


def draw_cases(rows, usages, seed, date):
    rng = random.Random(seed)
    providers = {provider.id: provider for provider in data.providers}
    midnight = datetime.datetime.combine(date, datetime.time(0, 1), datetime.timezone.utc)
    day = [midnight + datetime.timedelta(minutes=30 * half) for half in range(48)]
    priced = [(row, sellers_of(row, providers)) for row in rows]
    priced = [(row, sellers) for row, sellers in priced if sellers]
    return [Case(row, rng, rng.choice(sellers), day) for index in range(usages) for row, sellers in [priced[index % len(priced)]]], len(priced)


def verdicts(cases, answers):
    wrong, explained = [], collections.Counter()
    for case, answer in zip(cases, answers, strict=True):
        case.theirs_nano = case.their_nano()
        case.above = Decimal(answer) - case.theirs_nano
        if case.above == 0:
            explained['equal'] += 1
            continue
        reasons = REASONS if case.above > 0 else [vendor_says_so]
        reason = next((reason for reason in reasons if reason(case.row, case)), None)
        if reason:
            explained[reason.__name__] += 1
        else:
            wrong.append(f'{case.above:+} nano-dollars: {case.question()} as {case.provider.id} {case.context} {case.theirs}')
    return wrong, explained


def main():
    options = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    options.add_argument('program')
    options.add_argument('--usages', type=int, default=100_000)
    options.add_argument('--seed', type=int, default=1)
    options.add_argument('--list', type=pathlib.Path, default=ROOT / 'share' / 'prices.json')
    options = options.parse_args()
    warnings.simplefilter('error')
    listed = json.loads(options.list.read_text())
    cases, models = draw_cases(listed['models'], options.usages, options.seed, datetime.date.fromisoformat(listed['date']))
    asked = ''.join(case.question() + '\n' for case in cases)
    answers = subprocess.run([options.program], input=asked, capture_output=True, text=True, timeout=600, check=True).stdout.split()
    wrong, explained = verdicts(cases, answers)
    for line in wrong[:20]:
        print(f'error: {line}', file=sys.stderr)
    print(f'{len(cases)} usages of {models} models: ' + ', '.join(f'{count} {why}' for why, count in explained.most_common()))
    if wrong:
        raise SystemExit(f'{len(wrong)} costs are not what genai-prices says, and nothing written down explains them')


if __name__ == '__main__':
    main()
