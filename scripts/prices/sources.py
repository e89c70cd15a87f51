# SPDX-License-Identifier: MIT
"""Reads the two packages of prices into one shape, and merges them.

A `Table` is what one source says of one model: rates by (service tier, input over N tokens), each in dollars a million
tokens as exact decimals; prices by other units; limits; fees of tools. Nothing here decides which models are listed or
what a vendor's page overrules: selection.py and vendors.py do.
"""
import datetime
import json
import pathlib
import re
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

# Rates of a row, in its order, by the names that the two packages have for them.
RATES = {
    'input': ('input_mtok', 'input_cost_per_token'),
    'cached_input': ('cache_read_mtok', 'cache_read_input_token_cost'),
    'cache_write': ('cache_write_mtok', 'cache_creation_input_token_cost'),
    'cache_write_hour': ('cache_write_1h_mtok', 'cache_creation_input_token_cost_above_1hr'),
    'output': ('output_mtok', 'output_cost_per_token'),
    'audio_input': ('input_audio_mtok', 'input_cost_per_audio_token'),
    'cached_audio_input': ('cache_audio_read_mtok', 'cache_read_input_audio_token_cost'),
    'audio_output': ('output_audio_mtok', 'output_cost_per_audio_token'),
    'image_input': ('input_image_mtok', 'input_cost_per_image_token'),
    'cached_image_input': ('cache_image_read_mtok', 'cache_read_input_image_token_cost'),
    'image_output': ('output_image_mtok', 'output_cost_per_image_token'),
}
# Whose models of reasoning think unless they are told not to.
THINKERS = ('openai', 'gemini', 'xai', 'deepseek', 'moonshot', 'minimax', 'zai', 'groq', 'cerebras')
# What ends the name of one state of a model.
DATED = r'-(20\d\d-\d\d-\d\d|20\d{6}|\d\d-\d\d|\d{4}|latest)$'
TIERS = ('priority', 'flex', 'ultrafast')
# Two sources that differ by no more are of one mind: one of them has rounded to two digits ($0.0375 and $0.037).
ROUNDING = Decimal('0.02')


@dataclass
class Table:
    source: str
    rates: dict = field(default_factory=dict)  # {(variant, over): {rate: Decimal}}; (None, 0) is the base
    units: dict = field(default_factory=dict)  # per_request, per_image, per_character (a million), per_second
    fees: dict = field(default_factory=dict)  # dollars a call: search, file_search
    context: int | None = None
    output: int | None = None
    mode: str | None = None

    @property
    def base(self):
        return self.rates.get((None, 0), {})


def text(number):
    """A decimal as the file has it: to the nano-dollar, upwards; no exponent, no trailing zeros."""
    return format(Decimal(number).quantize(Decimal('1e-9'), ROUND_CEILING).normalize(), 'f')


def own(rates):
    """Sound and images at the rate of text have none of their own."""
    return {rate: value for rate, value in rates.items()
            if not re.fullmatch(r'(audio|image)_(in|out)put', rate) or value != rates.get(rate.split('_')[1])}


# --- genai-prices -----------------------------------------------------------------------------------------------


def named_ids(match):
    """Every id that a match rule names outright."""
    if hasattr(match, 'equals'):
        return [match.equals]
    return [name for part in getattr(match, 'or_', []) for name in named_ids(part)]


class GenaiPrices:
    name = 'genai-prices'

    def __init__(self, date):
        from genai_prices import data

        self.providers = {provider.id: provider for provider in data.providers}
        day = datetime.datetime.combine(date, datetime.time(0, 1), datetime.timezone.utc)
        self.hours = [day + datetime.timedelta(minutes=30 * half) for half in range(48)]

    def ids(self, provider):
        return [name for model in self.providers[provider].models for name in [model.id, *named_ids(model.match)]]

    def table(self, provider, model_id):
        """What holds on the day; where the hour matters, the dearest: a quota must hold at any."""
        model = self.providers[provider].find_model(model_id)
        if model is None:
            return None
        dearest = max((model.get_prices(hour) for hour in self.hours), key=lambda price: sum(
            self._at(value, 0) for value in price.__dict__.values() if value is not None))
        found = Table(self.name, context=model.context_window)
        starts = {0}
        variants = {None: dearest}
        for when in [{'service_tier': tier} for tier in TIERS] + [{'speed': 'fast'}]:
            (variant,) = when.values()
            if any(v.when == when and (v.constraint is None or v.constraint.active(self.hours[0]))
                   for v in model.price_variants or []):
                variants[variant] = model.get_prices(self.hours[0], when)
        for price in variants.values():
            starts |= {tier.start for value in price.__dict__.values() for tier in getattr(value, 'tiers', [])}
        for variant, price in variants.items():
            for over in starts:
                rates = {rate: self._at(getattr(price, key), over + 1) for rate, (key, _) in RATES.items()
                         if getattr(price, key) is not None}
                if rates:
                    found.rates[variant, over] = own(rates)
        self._units(found, dearest)
        return found

    def later(self, provider, model_id, date):
        """The days after `date` from which on other prices hold."""
        model = self.providers[provider].find_model(model_id)
        prices = model.prices if model and isinstance(model.prices, list) else []
        starts = {getattr(price.constraint, 'start_date', None) for price in prices}
        return sorted(start for start in starts if start and start > date)

    @staticmethod
    def _at(value, tokens):
        if not hasattr(value, 'tiers'):
            return value
        return next((tier.price for tier in reversed(value.tiers) if tokens > tier.start), value.base)

    @staticmethod
    def _units(found, price):
        hours = price.input_audio_hours or price.audio_hours
        if hours:
            found.units['per_second'] = hours / 3600
        if price.requests_kcount:
            found.units['per_request'] = price.requests_kcount / 1000
        if price.input_mchars:
            found.units['per_character'] = price.input_mchars
        if price.web_searches_kcount:
            found.fees['search'] = price.web_searches_kcount / 1000
        if price.storage_searches_kcount:
            found.fees['file_search'] = price.storage_searches_kcount / 1000


# --- litellm ----------------------------------------------------------------------------------------------------


class Litellm:
    name = 'litellm'

    def __init__(self, site_packages):
        path = pathlib.Path(site_packages) / 'litellm' / 'model_prices_and_context_window_backup.json'
        self.entries = {}
        for key, entry in json.loads(path.read_text(), parse_float=Decimal).items():
            provider = entry.get('litellm_provider')
            # Keys with a size and a quality, or a region, are other prices of a model that is listed plainly.
            name = key.removeprefix(f'{provider}/')
            self.entries.setdefault(provider, {})[name] = entry

    def ids(self, provider):
        return list(self.entries.get(provider, {}))

    def entry(self, provider, model_id):
        """The entry of the id; else those of its dated forms, else that of the form without a date."""
        entries = self.entries.get(provider, {})
        for name in (model_id, model_id.lower()):
            if name in entries:
                return entries[name]
        dated = sorted(name for name in entries if re.fullmatch(re.escape(model_id) + r'-(20\d\d-\d\d-\d\d|20\d{6})', name))
        if dated:
            return entries[dated[-1]]
        return entries.get(re.sub(r'-(20\d\d-\d\d-\d\d|20\d{6}|latest)$', '', model_id))

    def most(self, member, model_id):
        """The largest limit of a model of this name wherever it is sold: clouds and relays sell the same one."""
        name = model_id.rsplit('/', 1)[-1].lower()
        for alike in (name, re.sub(DATED, '', name)):
            known = [entry.get(member) or 0 for entries in self.entries.values() for key, entry in entries.items()
                     if key.rsplit('/', 1)[-1].lower() == alike and entry.get('mode') in ('chat', 'responses')]
            if any(known):
                return max(known)
        return None

    def thinks(self, model_id):
        """Whether a model of this name thinks without being asked to, as far as the table says."""
        name = re.sub(r'-(20\d\d-\d\d-\d\d|20\d{6}|latest)$', '', model_id.rsplit('/', 1)[-1].lower())
        return any(self._thinks(entry) for entries in self.entries.values() for key, entry in entries.items()
                   if key.rsplit('/', 1)[-1].lower() == name)

    @staticmethod
    def _thinks(entry):
        if entry.get('litellm_provider') in ('anthropic', 'mistral'):  # theirs do if asked to
            return bool(entry.get('thinking_always_on') or entry.get('thinking_on_by_default'))
        return entry.get('litellm_provider') in THINKERS and bool(entry.get('supports_reasoning')) and (
            entry.get('default_reasoning_effort') != 'none')

    def table(self, provider, model_id):
        entry = self.entry(provider, model_id)
        if entry is None:
            return None
        found = Table(self.name, context=entry.get('max_input_tokens'), output=entry.get('max_output_tokens') or None,
                      mode=entry.get('mode'))
        starts = {0} | {int(size) * 1000 for name in entry for size in re.findall(r'_above_(\d+)k_tokens', name)}
        for variant in (None, *TIERS):
            for over in starts:
                rates = self._rates(entry, variant, over)
                if rates:
                    found.rates[variant, over] = rates
        for tier in entry.get('tiered_pricing', []):
            over = int(tier['range'][0])
            found.rates[None, over] = self._rates(tier, None, 0)
        fast = entry.get('provider_specific_entry', {}).get('fast')
        if fast:
            found.rates['fast', 0] = {rate: value * Decimal(fast) for rate, value in found.base.items()}
        self._units(found, entry)
        return found

    @staticmethod
    def _rates(entry, variant, over):
        """The rates that the entry names for a tier and a length; an unnamed one is missing."""
        rates = {}
        for rate, (_, key) in RATES.items():
            hour = rate == 'cache_write_hour'
            suffix = (f'_above_{over // 1000}k_tokens' if over else '') + (f'_{variant}' if variant else '')
            value = entry.get(key + suffix)
            if rate == 'output' and value is not None and 'output_cost_per_reasoning_token' + suffix in entry:
                value = max(value, entry['output_cost_per_reasoning_token' + suffix])
            # A write for nothing is how the table says that a vendor charges none beside the input.
            if value is None or (value == 0 and rate.startswith('cache_write')) or (hour and variant and not over):
                continue
            rates[rate] = Decimal(value) * 1_000_000
        return own(rates)

    @staticmethod
    def _units(found, entry):
        by_token = entry.get('input_cost_per_token') or entry.get('output_cost_per_token')
        if not by_token:  # beside token rates these are estimates of the same, not additions to it
            seconds = entry.get('input_cost_per_second') or entry.get('output_cost_per_second')
            if seconds and entry.get('mode') in ('audio_transcription', 'audio_speech'):
                found.units['per_second'] = seconds
            if entry.get('input_cost_per_character'):
                found.units['per_character'] = entry['input_cost_per_character'] * 1_000_000
            if entry.get('mode') == 'rerank' and entry.get('input_cost_per_query'):
                found.units['per_request'] = entry['input_cost_per_query']
            image = entry.get('output_cost_per_image') or entry.get('input_cost_per_image')
            if image and entry.get('mode') == 'image_generation':
                found.units['per_image'] = max(value for key, value in entry.items()
                                               if re.match(r'(in|out)put_cost_per_image(_\d.*)?$', key))
        search = entry.get('search_context_cost_per_query')
        if search:
            found.fees['search'] = max(search.values())


# --- both -------------------------------------------------------------------------------------------------------


def differ(one, other):
    return max(one, other) * (1 - ROUNDING) > min(one, other)


def rise(table, rate, result):
    """By what the tiers of a source rise where its base is below the one that stands: it has not heard of the change yet."""
    base = table.base.get(rate)
    return max(Decimal(1), result.base[rate] / base) if base and rate in result.base else Decimal(1)


def merged(tables, report):
    """One table of several that speak of the same model. Of two prices the dearer stands; each difference by more than
    rounding is told to `report(what, {source: value}, kept)`."""
    result = Table('+'.join(table.source for table in tables))

    def pick(what, values):
        kept = max(values.values())
        if any(differ(kept, value) for value in values.values()):
            report(what, values, kept)
        return kept

    # The base first: what it comes to is what the tiers are measured by.
    for key in sorted({key for table in tables for key in table.rates}, key=lambda key: (key[0] or '', key[1])):
        variant, over = key
        result.rates[key] = {}
        for rate in RATES:
            values = {table.source: rise(table, rate, result) * table.rates[key][rate]
                      for table in tables if rate in table.rates.get(key, {})}
            if values:
                place = rate + (f' ({variant})' if variant else '') + (f' above {over}' if over else '')
                result.rates[key][rate] = pick(place, values)
    for kind in ('units', 'fees'):
        for name in {name for table in tables for name in getattr(table, kind)}:
            values = {table.source: getattr(table, kind)[name] for table in tables if name in getattr(table, kind)}
            getattr(result, kind)[name] = pick(name, values)
    for what in ('context', 'output', 'mode'):
        known = [getattr(table, what) for table in tables if getattr(table, what)]
        setattr(result, what, known[0] if known and what == 'mode' else max(known, default=None))
    return result
