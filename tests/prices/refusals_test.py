#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What crd writes into a request is never its client's error, in whatever words a provider refuses it: an output bound above the
longest answer or beyond the context, in a member that it does not know; a stream's wish for its usage.

Each row is a provider that enforces one rule and refuses in its own words, as they stand in public reports; a token with a limit asks
its model, which the list knows no limits of, plainly and as a stream."""
import asyncio
import json
import sys

from gateway import Client, Gateway, Provider, Reply, event

LIMIT = 8000
THINGS = {'tools': [{'type': 'function', 'function': {'name': 'look', 'parameters': {'type': 'object', 'properties': {}}}}]}


def openai(message, param=None, code=None):
    return {'error': {'message': message, 'type': 'invalid_request_error', 'param': param, 'code': code}}


def detail(kind, field, message, **more):
    return {'detail': [{'type': kind, 'loc': ['body', field], 'msg': message, **more}]}


# Input and answer do not fit the context together: {name: (status, words(input, bound))}. Of vLLM the reports are of 0.10 to 0.18.
CONTEXT = {
    'OpenAI': (400, lambda i, b: openai(
        f"This model's maximum context length is {LIMIT} tokens. However, you requested {i + b} tokens ({i} in the messages, {b} in the "
        'completion). Please reduce the length of the messages or completion.', 'messages', 'context_length_exceeded')),
    'OpenAI with functions': (400, lambda i, b: openai(
        f"This model's maximum context length is {LIMIT} tokens. However, you requested {i + b} tokens ({i - 30} in the messages, 30 in the "
        f'functions, and {b} in the completion). Please reduce the length of the messages, functions, or completion.', 'messages',
        'context_length_exceeded')),
    'OpenRouter with tools': (400, lambda i, b: openai(
        f"This endpoint's maximum context length is {LIMIT} tokens. However, you requested about {i + b} tokens ({i - 30} of text input, 30 of "
        f'tool input, {b} in the output). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt '
        'automatically.', code=400)),
    'SGLang': (400, lambda i, b: {'object': 'error', 'type': 'BadRequestError', 'code': 400, 'message': (
        f"Requested token count exceeds the model's maximum context length of {LIMIT} tokens. You requested a total of {i + b} tokens: {i} "
        f'tokens from the input messages and {b} tokens for the completion. Please reduce the number of tokens in the input messages or the '
        'completion to fit within the limit.')}),
    'vLLM 0.11': (400, lambda i, b: openai(
        f"'max_tokens' or 'max_completion_tokens' is too large: {b}. This model's maximum context length is {LIMIT} tokens and your request "
        f'has {i} input tokens ({b} > {LIMIT} - {i}). None', code=400)),
    'vLLM 0.16': (400, lambda i, b: openai(
        f"max_tokens={b} cannot be greater than max_model_len={LIMIT}. Please request fewer output tokens." if b > LIMIT else
        f"You passed {i} input tokens and requested {b} output tokens. However, the model's context length is only {LIMIT} tokens, resulting "
        f'in a maximum input length of {LIMIT - b} tokens. Please reduce the length of the input prompt.', 'input_tokens', 400)),
    # It reads no more of the input than the context leaves.
    'vLLM 0.18': (400, lambda i, b: openai(
        f"max_tokens={b} cannot be greater than max_model_len=max_total_tokens={LIMIT}. Please request fewer output tokens." if b > LIMIT else
        f"This model's maximum context length is {LIMIT} tokens. However, you requested {b} output tokens and your prompt contains at least "
        f'{LIMIT - b + 1} input tokens, for a total of at least {LIMIT + 1} tokens. Please reduce the length of the input prompt or the number '
        'of requested output tokens.', 'input_tokens', 400)),
    'vLLM 0.18, by characters': (400, lambda i, b: openai(
        f"This model's maximum context length is {LIMIT} tokens. However, you requested {b} output tokens and your prompt contains {i * 4} "
        f'characters (more than {(LIMIT - b) * 4} characters, which is the upper bound for {LIMIT - b} input tokens). Please reduce the length '
        'of the input prompt or the number of requested output tokens.', 'input_text', 400)),
    'TGI': (422, lambda i, b: {'error': f'Input validation error: `inputs` tokens + `max_new_tokens` must be <= {LIMIT}. Given: {i} `inputs` '
                                        f'tokens and {b} `max_new_tokens`', 'error_type': 'validation'}),
    'Together': (422, lambda i, b: openai(
        f'Input validation error: `inputs` tokens + `max_new_tokens` must be <= {LIMIT}. Given: {i} `inputs` tokens and {b} '
        '`max_new_tokens`', 'max_tokens')),
    'Moonshot': (400, lambda i, b: openai(f'Invalid request: Your request exceeded model token limit: {LIMIT} (requested: {i + b})')),
    'Cerebras': (400, lambda i, b: {'message': f'Please reduce the length of the messages or completion. Current length is {i + b} while '
                                               f'limit is {LIMIT}', 'type': 'invalid_request_error', 'param': 'messages',
                                    'code': 'context_length_exceeded'}),
    'Groq': (400, lambda i, b: openai('Please reduce the length of the messages or completion.', 'messages', 'context_length_exceeded')),
    'Anthropic': (400, lambda i, b: {'type': 'error', 'error': {'type': 'invalid_request_error', 'message': (
        f'input length and `max_tokens` exceed context limit: {i} + {b} > {LIMIT}, decrease input length or `max_tokens` and try again')}}),
}

# The bound is above the longest answer: {name: (status, words(field, bound))}.
LONGEST = {
    'OpenAI': (400, lambda f, b: openai(f'{f} is too large: {b}. This model supports at most {LIMIT} completion tokens, whereas you provided '
                                        f'{b}.', f, 'invalid_value')),
    'OpenAI, as a range': (400, lambda f, b: openai(f"Invalid '{f}': integer above maximum value. Expected a value <= {LIMIT}, but got {b} "
                                                    'instead.', f, 'integer_above_max_value')),
    'Anthropic': (400, lambda f, b: {'type': 'error', 'error': {'type': 'invalid_request_error', 'message': (
        f'{f}: {b} > {LIMIT}, which is the maximum allowed number of output tokens for claude-3-5-sonnet-20240620')}}),
    'Vertex': (400, lambda f, b: [{'error': {'code': 400, 'status': 'INVALID_ARGUMENT', 'message': (
        f'Unable to submit request because it has a maxOutputTokens value of {b} but the supported range is from 1 (inclusive) to '
        f'{LIMIT + 1} (exclusive). Update the value and try again.')}}]),
    'Gemini': (400, lambda f, b: [{'error': {'code': 400, 'status': 'INVALID_ARGUMENT', 'message': (
        f'* GenerateContentRequest.generation_config.max_output_tokens: must be in the range [1, {LIMIT}], got {b}')}}]),
    'Bedrock': (400, lambda f, b: openai(f'The maximum tokens you requested exceeds the model limit of {LIMIT}. Try again with a maximum '
                                         f'tokens value that is lower than {LIMIT}.')),
    'Mistral': (422, lambda f, b: {'object': 'error', 'message': detail(
        'less_than_equal', f, f'Input should be less than or equal to {LIMIT}', input=b, ctx={'le': LIMIT})}),
    'DeepSeek': (400, lambda f, b: openai(f'Invalid {f} value, the valid range of {f} is [1, {LIMIT}]')),
    'DashScope': (400, lambda f, b: openai(f'<400> InternalError.Algo.InvalidParameter: Range of {f} should be [1, {LIMIT}]')),
    'Z.ai': (400, lambda f, b: {'error': {'code': '1210', 'message': f'{f}参数非法：限制数值范围[1,{LIMIT}]'}}),
    'Z.ai, without a number': (400, lambda f, b: {'error': {'code': '1210', 'message': f'API 调用参数有误，请检查文档。{f}参数非法'}}),
    'Groq': (400, lambda f, b: openai(f'`{f}` must be less than or equal to `{LIMIT}`, the maximum value for `{f}` is less than the '
                                      '`context_window` for this model', f)),
    'Cohere': (400, lambda f, b: {'message': f'too many tokens: {f} must be less than or equal to {LIMIT}, the maximum output length for this '
                                             f'model - received {b}.'}),
    'Fireworks': (400, lambda f, b: openai(f'Requests with {f} > {LIMIT} must have stream=true')),
    'MiniMax': (400, lambda f, b: openai(f'invalid params, {f} must be less than {LIMIT + 1}')),
    'pydantic, as text': (400, lambda f, b: openai(
        f'1 validation error for ChatCompletionRequest\n{f}\n  Input should be less than or equal to {LIMIT} [type=less_than_equal, '
        f'input_value={b}, input_type=int]')),
    'OpenRouter, of its provider': (400, lambda f, b: {'error': {'message': 'Provider returned error', 'code': 400, 'metadata': {
        'provider_name': 'X', 'raw': json.dumps({'object': 'error', 'message': f'Bad request:\n{f} must be at most {LIMIT}, not {b}'})}}}),
    'Z.ai, escaped': (400, lambda f, b: json.dumps({'error': {
        'code': '1210', 'message': f'参数非法。{f}限制数值范围[1,{LIMIT}]'}}).encode()),
    'NVIDIA': (422, lambda f, b: {'detail': [{'loc': ['body', f], 'msg': f'ensure this value is less than or equal to {LIMIT}',
                                              'type': 'value_error.number.not_le', 'ctx': {'limit_value': LIMIT}}]}),
}

# A member is not known: {name: (status, words(field))}.
UNKNOWN = {
    'OpenAI': (400, lambda f: openai(f"Unsupported parameter: '{f}' is not supported with this model. Use '{other(f)}' instead.", f,
                                     'unsupported_parameter')),
    'Azure, older': (400, lambda f: openai(f'Unrecognized request argument supplied: {f}')),
    'Mistral': (422, lambda f: {'object': 'error', 'message': detail('extra_forbidden', f, 'Extra inputs are not permitted', input=1)}),
    'Groq': (400, lambda f: openai(f"property '{f}' is unsupported")),
    'Google': (400, lambda f: [{'error': {'code': 400, 'status': 'INVALID_ARGUMENT', 'message': (
        f'Invalid JSON payload received. Unknown name "{f}": Cannot find field.')}}]),
    'Go': (400, lambda f: openai(f'json: unknown field "{f}"')),
    'JSON schema': (400, lambda f: openai(f"Additional properties are not allowed ('{f}' was unexpected)")),
    'Serde': (422, lambda f: {'error': f'Failed to deserialize the JSON body into the target type: unknown field `{f}`, expected one of '
                                       '`model`, `messages`'}),
    'Fastify': (400, lambda f: {'message': f'body must NOT have additional properties: {f}', 'statusCode': 400}),
    'Vapi': (400, lambda f: {'message': [f'property {f} should not exist'], 'error': 'Bad Request'}),
}


def other(field):
    return {'max_tokens': 'max_completion_tokens', 'max_completion_tokens': 'max_tokens'}.get(field, field)


class Row:
    """A provider with one rule."""

    def __init__(self, kind, name, words):
        self.kind, self.name, self.model = kind, name, f'{kind} {name}'
        self.status, self.words = words
        self.refused, self.served, self.bound = [], 0, None

    def refusal(self, body, tokens):
        field = next((field for field in ('max_tokens', 'max_completion_tokens') if field in body), None)
        self.bound = body.get(field)
        if self.kind == 'context' and self.bound and tokens + self.bound > LIMIT:
            return self.words(tokens, self.bound)
        if self.kind == 'longest' and self.bound and self.bound > LIMIT:
            return self.words(field, self.bound)
        if self.kind == 'unknown' and field == 'max_tokens':
            return self.words(field)
        if self.kind == 'usage' and 'stream_options' in body:
            return self.words('stream_options')
        return None

    def answer(self, body, tokens):
        if refusal := self.refusal(body, tokens):
            self.refused.append(str(refusal))
            return Reply(self.status, refusal)
        self.served += 1
        usage = {'prompt_tokens': tokens, 'completion_tokens': 5, 'total_tokens': tokens + 5}
        base = {'id': 'c1', 'created': 1, 'model': self.model}
        if not body.get('stream'):
            return Reply(200, {**base, 'object': 'chat.completion', 'usage': usage, 'choices': [
                {'index': 0, 'message': {'role': 'assistant', 'content': 'word'}, 'finish_reason': 'stop'}]})
        base['object'] = 'chat.completion.chunk'
        return Reply.stream([
            event({**base, 'choices': [{'index': 0, 'delta': {'content': 'word'}, 'finish_reason': None}]}),
            event({**base, 'choices': [{'index': 0, 'delta': {}, 'finish_reason': 'stop'}], 'usage': usage}), event('[DONE]')])


async def try_row(row, gateway, client, key, provider):
    wrong = []
    for stream in (True, False):
        body = {'model': row.model, 'stream': stream, 'messages': [{'role': 'user', 'content': 'hello ' * 40}], **THINGS}
        answer = await client.post('/v1/chat/completions', key, body)
        refused = row.refused[:]
        if answer.status != 200 or b'"error"' in answer.body:
            wrong.append(f'{row.model}{", stream" if stream else ""}: {answer.status} {answer.body[:200]} after {refused}')
        row.refused.clear()
    # What has been learnt holds for the next ones, but for what depends on their input.
    if not wrong and refused and row.kind != 'context' and 'without a number' not in row.name:
        wrong.append(f'{row.model}: refused again: {refused}')
    if not wrong and row.kind in ('context', 'longest') and not (row.bound and row.bound >= LIMIT // 4):
        wrong.append(f'{row.model}: answered with no more than {row.bound} tokens of {LIMIT}')
    return wrong


async def run_all():
    rows = [Row(kind, name, words) for kind, table in (('context', CONTEXT), ('longest', LONGEST), ('unknown', UNKNOWN), ('usage', UNKNOWN))
            for name, words in table.items()]
    by_model = {row.model: row for row in rows}

    async def answer(method, path, fields, raw):
        body = json.loads(raw)
        return by_model[body['model']].answer(body, len(raw) // 4)

    provider = await Provider(answer).start()
    wrong = []
    with Gateway() as gateway:
        gateway.channel('strict', provider.port, [row.model for row in rows])
        for row in rows:
            gateway.admin('PUT', '/prices/' + row.model.replace(' ', '%20'), {'input': '1', 'output': '2'})
        key = gateway.token('limited', quota='1000')
        client = Client(gateway.port)
        for row in rows:
            wrong += await try_row(row, gateway, client, key, provider)
        client.close()
        gateway.settled()
    await provider.stop()
    return wrong + provider.faults, len(rows)


def main():
    wrong, rows = asyncio.run(run_all())
    for line in wrong:
        print(f'error: {line}', file=sys.stderr)
    print(f'{rows} providers, {len(wrong)} faults')
    if wrong:
        raise SystemExit(1)


if __name__ == '__main__':
    main()
