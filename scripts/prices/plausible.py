# SPDX-License-Identifier: MIT
"""What must hold of share/prices.json, whoever wrote it. Needs neither a package nor the network."""
import re

import vendors

RATES = ('input', 'cached_input', 'cache_write', 'cache_write_hour', 'output', 'audio_input', 'cached_audio_input', 'audio_output',
         'image_input', 'cached_image_input', 'image_output')
UNITS = ('per_request', 'per_image', 'per_character', 'per_second')
COUNTS = ('context_tokens', 'max_output_tokens', 'default_output_tokens', 'image_tokens', 'output_image_tokens', 'thinking_tokens')
CONDITIONS = ('input_over', 'request', 'answer', 'is')
FEE = ('tool', 'count', 'fee', 'most', 'brings')
EXPECTED = (
    'gpt-4o-mini', 'gpt-4o', 'text-embedding-3-small', 'claude-sonnet-4-5', 'gemini-2.5-pro', 'deepseek-chat', 'gpt-6.1-sol',
    'gpt-6.1-terra', 'gpt-5-2025-08-07', 'gpt-image-2.5-flare', 'gpt-audio', 'gpt-oss-120b', 'claude-opus-5-5', 'claude-sonnet-5-5',
    'claude-haiku-5-5', 'claude-fable-5-2', 'claude-mythos-5-2', 'gemini-4-argon', 'gemini-embedding-2', 'gemini-flash-latest',
    'mistral-large-4', 'deepseek-flash', 'grok-4.7', 'kimi-k3.1-pro', 'MiniMax-M3', 'glm-5.3', 'qwen3-max', 'embed-v4.0',
    'rerank-v3.5', 'voyage-4', 'whisper-large-v3', 'text-moderation-latest', 'gpt-3.5-turbo-instruct')
AMOUNT = re.compile(r'^(0|[1-9]\d*)(\.\d{1,9})?$')
FREE = [re.compile(ids) for ids, _ in vendors.FREE]


def amount(row, member, most):
    value = row.get(member)
    if value is None:
        return []
    if not isinstance(value, str) or not AMOUNT.match(value):
        return [f'{member} is not an exact decimal: {value}']
    return [f'{member} of ${value} is not plausible'] if float(value) > most else []


def dollars(row, member, otherwise=None):
    value = row.get(member)
    return float(value) if isinstance(value, str) and AMOUNT.match(value) else otherwise


def rates_wrong(rates):
    """Of a row, or of a rule that names all that belongs together."""
    wrong = [line for rate in RATES for line in amount(rates, rate, 1000)]
    text, output = dollars(rates, 'input'), dollars(rates, 'output')
    if text and output and output < text / 2:
        wrong.append('output costs less than half of input')
    for cached, plain in (('cached_input', 'input'), ('cached_audio_input', 'audio_input'), ('cached_image_input', 'image_input')):
        if dollars(rates, cached) is not None and dollars(rates, plain) is not None and dollars(rates, cached) > dollars(rates, plain):
            wrong.append(f'{cached} costs more than {plain}')
    for write in ('cache_write', 'cache_write_hour'):
        if dollars(rates, write) is not None and text and dollars(rates, write) > 2 * text:
            wrong.append(f'{write} costs over twice the input')
    return wrong


def rule_wrong(rule):
    if 'tool' in rule:
        wrong = [f'rule has {member}' for member in rule if member not in FEE] + amount(rule, 'fee', 3)
        if not str(rule.get('count', '')).startswith('/') or not isinstance(rule.get('most'), int):
            wrong.append('rule of a tool without count or most')
        return wrong
    wrong = [f'rule has {member}' for member in rule if member not in (*CONDITIONS, *RATES, 'factor')]
    if ('request' in rule) != ('is' in rule) or not ('request' in rule or 'input_over' in rule):
        wrong.append('rule without a condition')
    if 'request' in rule and not (rule['request'].startswith(('/', 'header:')) and rule.get('answer', '/').startswith('/')):
        wrong.append('rule with a member that is no pointer')
    return wrong + amount(rule, 'factor', 10) + rates_wrong(rule)


def row_wrong(row):
    wrong = [f'unknown member {member}' for member in row
             if member not in ('model', 'provider', 'sources', 'thinks', 'rules', *RATES, *UNITS, *COUNTS)]
    if not re.match(r'^[\x21-\x7e]{1,256}$', row['model']):
        wrong.append('not a model id')
    wrong += rates_wrong(row)
    wrong += amount(row, 'per_request', 1) + amount(row, 'per_image', 10) + amount(row, 'per_second', 1) + amount(row, 'per_character', 1000)
    if not any(dollars(row, member) for member in ('input', *UNITS)) and not any(free.search(row['model']) for free in FREE):
        wrong.append('input is free')
    for member in COUNTS:
        value = row.get(member)
        if value is not None and not (isinstance(value, int) and 256 <= value <= 20_000_000):
            wrong.append(f'{member} {value} is not plausible')
    if (row.get('max_output_tokens') or 0) > (row.get('context_tokens') or 10**9):
        wrong.append('more output than context')
    writes = dollars(row, 'output') and not row.get('output_image_tokens') and not re.search('transcribe|embed', row['model'])
    if writes and not row.get('max_output_tokens') and not row.get('default_output_tokens'):
        wrong.append('neither a longest nor a default answer')
    return wrong + [line for rule in row.get('rules', []) for line in rule_wrong(rule)]


def complaints(file):
    wrong = [] if re.match(r'^\d{4}-\d\d-\d\d$', file.get('date', '')) else ['no date']
    for name in ('genai-prices', 'litellm'):
        source = file['sources'].get(name, {})
        if not source.get('version') or not re.match(r'^\d{4}-\d\d-\d\d$', source.get('date', '')):
            wrong.append(f'sources: {name} has no version or no date')
    seen = set()
    for row in file['models']:
        wrong += [f"{row['model']}: {line}" for line in row_wrong(row)]
        wrong += [f"{row['model']}: source {source} is not in the head" for source in row['sources'] if source not in file['sources']]
        if row['model'] in seen:
            wrong.append(f"{row['model']}: listed twice")
        seen.add(row['model'])
    if len(seen) < 300:
        wrong.append(f'only {len(seen)} models')
    return wrong + [f'{model} is missing' for model in EXPECTED if model not in seen]
