# SPDX-License-Identifier: MIT
"""Makes the rows of the shipped list, and the report of where its sources disagree."""
import re

import vendors
from limits import MODELS_DEV, Limits, ModelsDev
from selection import SAME, SELECTIONS
from sources import RATES, GenaiPrices, Litellm, merged, text

# What a text model's answer is taken to be where it has no limit but its context, and the client names no bound.
DEFAULT_OUTPUT = 65536
UNITS = ('per_request', 'per_image', 'per_character', 'per_second')


def listed(table_rows, model):
    return next((row for row in table_rows if re.search(row[0], model)), None)


class Collector:
    def __init__(self, date, packages):
        self.genai = GenaiPrices(date)
        self.litellm = Litellm(packages)
        self.known = Limits(self.litellm, ModelsDev.read(packages))
        self.disagreements = []
        self.pages = set()

    def tables(self, selection, model):
        found = []
        if selection.genai:
            found.append(self.genai.table(selection.genai, model))
        found += [self.litellm.table(provider, model) for provider in selection.litellm]
        return [table for table in found
                if table and (any(table.base.values()) or table.units or listed(vendors.FREE, model))]

    def rows(self):
        sold = {}
        for selection in SELECTIONS:
            ids = list(self.genai.ids(selection.genai)) if selection.genai else []
            ids += [name for provider in selection.litellm for name in self.litellm.ids(provider)]
            for model in [*ids, *selection.also]:
                if selection.takes(model) or model in selection.also:
                    sold.setdefault(model, [])
                    if selection not in sold[model]:
                        sold[model].append(selection)
        order = [selection.provider for selection in SELECTIONS]
        rows = [self.row(model, sold) for model in sold]
        return sorted((row for row in rows if row), key=lambda row: (order.index(row['provider']), row['model']))

    def row(self, model, sold):
        sellers = [(selection, model) for selection in sold[model]]
        sellers += [(selection, SAME[model]) for selection in sold.get(SAME.get(model), [])]
        tables = []
        for selection, name in sellers:
            for table in self.tables(selection, name):
                if len(sellers) > 1:
                    table.source += f' ({selection.provider})'
                tables.append(table)
        correction = listed(vendors.CORRECTIONS, model)
        if not tables:
            return None
        provider = sold[model][0].provider
        table = merged(tables, lambda what, values, kept: self.disagreements.append((provider, model, what, values, kept)))
        row = {'model': model, 'provider': provider,
               'sources': list(dict.fromkeys(source.source.split(' ')[0] for source in tables))}
        self.rates(row, table)
        writes_text = vendors.text_model(model, table)
        self.limits(row, table, sellers, writes_text)
        with_each = listed(vendors.WITH_EACH_REQUEST, model)
        if with_each:
            row['per_request'] = with_each[1]
            self.pages.add(with_each[2])
        if writes_text and (listed(vendors.THINKS, model) or self.litellm.thinks(model)):
            row['thinks'] = True
        beside = listed(vendors.THINKING_BESIDE, model) if writes_text else None
        if beside:
            row['thinking_tokens'] = beside[1]
            self.vendor_page(row, beside[2])
        if correction:
            row.update(correction[1])
            self.vendor_page(row, correction[2])
        free = listed(vendors.FREE, model)
        if free:
            self.vendor_page(row, free[1])
        rules = self.rules(model, provider, table)
        if rules:
            row['rules'] = rules
        return row

    def vendor_page(self, row, page):
        self.pages.add(page)
        self.source(row, 'vendor_pages')

    def limits_from(self, row, source):
        if source == MODELS_DEV:
            self.source(row, source)
        elif source:
            self.vendor_page(row, source)

    @staticmethod
    def source(row, name):
        if name not in row['sources']:
            row['sources'].append(name)

    @staticmethod
    def rates(row, table):
        base = complete(table.base)
        for rate in RATES:
            if rate in base or rate in ('input', 'output'):
                row[rate] = text(base.get(rate, 0))
        for unit in UNITS:
            if table.units.get(unit):
                row[unit] = text(table.units[unit])

    def limits(self, row, table, sellers, writes):
        model, provider = row['model'], row['provider']
        names = [(selection.provider, name) for selection, name in sellers]
        told = table.context or (self.litellm.most('max_input_tokens', model) if writes else None)
        context, source = self.known.context(names, told)
        self.limits_from(row, source)
        output = None
        if table.base.get('output') and not re.search('embed|rerank', model):
            output, source = self.known.longest(names, table.output, told)
            self.limits_from(row, source)
        if output == vendors.OF_CONTEXT:
            output = context
        # OpenAI's and Google's limits of input stand beside those of output; elsewhere they are of both, and of Gemini 4 on.
        if context and output and (provider == 'google' or (provider == 'openai' and context in (272000, 922000))):
            context += output if output != context else 0
        if output and context:
            output = min(output, context)
        row['context_tokens'] = context
        row['max_output_tokens'] = output
        if writes and (output is None or output == context):
            row['default_output_tokens'] = min(DEFAULT_OUTPUT, context or DEFAULT_OUTPUT)
        for member, pages in (('image_tokens', vendors.IMAGE_TOKENS), ('output_image_tokens', vendors.OUTPUT_IMAGE_TOKENS)):
            found = listed(pages, model)
            if found and (writes or 'image' in model):
                row[member] = found[1]
                self.pages.add(found[2])

    @staticmethod
    def rules(model, provider, table):
        lengths = sorted({over for _, over in table.rates if over})
        rules = steps({}, resolved(table, None, 0), {over: resolved(table, None, over) for over in lengths})
        named = {rate for rule in rules for rate in rule}
        for variant, member, values in vendors.variants(provider):
            if not any(name == variant for name, _ in table.rates):
                continue
            when = vendors.known(*member, *values)
            short = resolved(table, variant, 0)
            # It names what the rules of length have named, so that they do not hold beside it.
            rates = {**changed(short, resolved(table, None, 0)), **{rate: text(short[rate]) for rate in RATES if rate in named}}
            rules.append({**when, **rates})
            rules += steps(when, short, {over: resolved(table, variant, over) for over in lengths})
        return rules + vendors.RULES.get(provider, lambda *_: [])(model, table)


def steps(when, short, longer):
    """A rule for each length from which on the rates are others than below it."""
    rules, below = [], short
    for over, rates in longer.items():
        if changed(rates, below):
            rules.append({**when, 'input_over': over, **changed(rates, short)})
        below = rates
    return rules


def complete(rates):
    """Sound and images that have a rate of their own have it from the cache too: the packages leave it out where the
    vendor has no other."""
    rates = dict(rates)
    for kind in ('audio', 'image'):
        if f'{kind}_input' in rates:
            rates.setdefault(f'cached_{kind}_input', rates[f'{kind}_input'])
    return rates


def resolved(table, variant, over):
    """All rates of a tier and a length: what is not named for both is the tier's, or the length's, or the base's."""
    rates = {}
    for name in dict.fromkeys((None, variant)):
        for key in sorted(key for key in table.rates if key[0] == name and key[1] <= over):
            rates.update(table.rates[key])
    return complete(rates)


def changed(rates, base):
    return {rate: text(rates[rate]) for rate in RATES if rate in rates and rates[rate] != base.get(rate)}


def report_of(disagreements, longer, changes, date, sources):
    versions = ', '.join(f'{name} {source["version"]} of {source["date"]}' for name, source in sources.items())
    lines = ['# Where the sources of the price list disagree', '',
             f'Written by `scripts/update_prices.py` from {versions}. Dollars a million tokens, a request, a call. The dearer stands in',
             '`share/prices.json`, unless `vendors.py` has the vendor\'s own page for it: those rows are named at the end.', '',
             '| provider | model | what | says | listed |', '|---|---|---|---|---|']
    for provider, model, what, values, kept in disagreements:
        says = ', '.join(f'{source} {text(value)}' for source, value in values.items())
        lines.append(f'| {provider} | {model} | {what} | {says} | {text(kept)} |')
    lines += ['', 'Where models.dev, as LangChain\'s packages carry it, knows a longer answer or context, and no page of the vendor is entered: it',
              'stands. In tokens.', '', '| provider | model | what | litellm, genai-prices | models.dev | listed |', '|---|---|---|---|---|---|']
    lines += [f'| {provider} | {model} | {what} | {told} | {theirs} | {theirs} |' for provider, model, what, told, theirs in longer]
    lines += ['', '| overruled | members | page | why |', '|---|---|---|---|']
    lines += [f'| `{ids}` | {members} | {page} | {why} |' for ids, members, page, why in vendors.CORRECTIONS]
    lines += [f'| `{ids}` | longest answer {tokens} | {page} | {why} |' for ids, tokens, page, why in vendors.LONGEST]
    lines += [f'| `{ids}` | thinks beyond its bound {tokens} | {page} | {why} |' for ids, tokens, page, why in vendors.THINKING_BESIDE]
    lines += [f'| `{ids}` | context {tokens} | {page} | |' for ids, tokens, page in vendors.CONTEXTS]
    lines += ['', f'What genai-prices knows to change after {date}, for which the list is of:', '', '| provider | model | from |', '|---|---|---|']
    lines += [f'| {provider} | {model} | {day} |' for provider, model, day in changes]
    return '\n'.join(lines) + '\n'


def collect(date, packages, sources, profiles):
    """`profiles` are the versions of the packages that carry models.dev."""
    collector = Collector(date, packages)
    rows = collector.rows()
    disagreements = sorted(collector.disagreements, key=lambda entry: (entry[0], entry[1], entry[2]))
    longer = sorted(collector.known.longer)
    file = {'date': date.isoformat(), 'sources': {**sources, MODELS_DEV: profiles, 'vendor_pages': sorted(collector.pages)}, 'models': rows}
    providers = {selection.provider: selection.genai for selection in SELECTIONS if selection.genai}
    changes = [(row['provider'], row['model'], day) for row in rows if row['provider'] in providers
               for day in collector.genai.later(providers[row['provider']], row['model'], date)]
    return file, report_of(disagreements, longer, changes, date, sources)
