# SPDX-License-Identifier: MIT
"""A provider that enforces what real ones do, in their own words: the longest answer, the context, which member bounds an answer, a
thinking budget below it, members that it does not know. It answers with as many tokens as it was let, or a dozen, and bills by rates
of its own. The words are those of the vendors' error pages, and of public reports about them."""
import dataclasses
import json
import re
from decimal import Decimal

from gateway import Reply, event

OPENAI_LEAST_OF_RESPONSES = 16  # "Expected a value >= 16"
LEAST_THINKING = 1024
SHORT_ANSWER = 12


@dataclasses.dataclass
class Model:
    provider: str
    name: str
    limits: object  # model_limits.Limits
    billed_longest: int  # what it answers at most where it may
    billed_context: int
    rates: tuple  # Decimal dollars a token: input, output
    fee: Decimal  # dollars a request
    completion_field: bool = False  # takes max_completion_tokens alone
    refuses_stream_options: bool = False


def error(status, message, type_='invalid_request_error', param=None, code=None):
    return Reply(status, {'error': {'message': message, 'type': type_, 'param': param, 'code': code}})


# --- the words of a bound that is above the longest answer --------------------------------------------------------------

def openai_too_large(model, field, bound):
    if field == 'max_output_tokens':
        return error(400, f"Invalid '{field}': integer above maximum value. Expected a value <= {model.limits.longest}, but got {bound} instead.",
                     param=field, code='integer_above_max_value')
    return error(400, f'{field} is too large: {bound}. This model supports at most {model.limits.longest} completion tokens, whereas you '
                      f'provided {bound}.', param=field, code='invalid_value')


def anthropic_too_large(model, field, bound):
    return anthropic_error(f'{field}: {bound} > {model.limits.longest}, which is the maximum allowed number of output tokens for {model.name}')


def google_too_large(model, _, bound):
    return Reply(400, [{'error': {'code': 400, 'status': 'INVALID_ARGUMENT', 'message':
                 f'Unable to submit request because it has a maxOutputTokens value of {bound} but the supported range is from 1 (inclusive) '
                 f'to {model.limits.longest + 1} (exclusive). Update the value and try again.'}}])


def mistral_too_large(model, field, bound):
    return Reply(422, {'object': 'error', 'message': {'detail': [
        {'type': 'less_than_equal', 'loc': ['body', field], 'msg': f'Input should be less than or equal to {model.limits.longest}',
         'input': bound, 'ctx': {'le': model.limits.longest}}]}, 'type': 'invalid_request_error', 'param': None, 'code': None})


def range_too_large(model, field, bound):  # DeepSeek, Moonshot, Z.ai, xAI
    return error(400, f'Invalid {field} value, the valid range of {field} is [1, {model.limits.longest}]', code='invalid_request_error')


def qwen_too_large(model, field, bound):
    return error(400, f'<400> InternalError.Algo.InvalidParameter: Range of {field} should be [1, {model.limits.longest}]',
                 code='invalid_parameter_error')


def groq_too_large(model, field, bound):
    return error(400, f'`{field}` must be less than or equal to `{model.limits.longest}`, the maximum value for `{field}` is less than the '
                      '`context_window` for this model', param=field)


def cohere_too_large(model, field, bound):
    return Reply(400, {'message': f'too many tokens: {field} must be less than or equal to {model.limits.longest}, the maximum output '
                                  f'length for this model - received {bound}.'})


def together_too_large(model, field, bound):
    return error(422, f'Input validation error: `{field}` must be <= {model.limits.longest}. Given: {bound}', param=field)


TOO_LARGE = {
    'openai': openai_too_large, 'anthropic': anthropic_too_large, 'google': google_too_large, 'mistral': mistral_too_large,
    'qwen': qwen_too_large, 'groq': groq_too_large, 'cerebras': groq_too_large, 'cohere': cohere_too_large,
    'together': together_too_large, 'openrouter': openai_too_large}


# --- the words of input and bound that do not fit the context together ------------------------------------------------------

def openai_context(model, tokens, bound):
    return error(400, f"This model's maximum context length is {model.limits.context} tokens. However, you requested {tokens + bound} tokens "
                      f'({tokens} in the messages, {bound} in the completion). Please reduce the length of the messages or completion.',
                 param='messages', code='context_length_exceeded')


def openrouter_context(model, tokens, bound):
    return error(400, f"This endpoint's maximum context length is {model.limits.context} tokens. However, you requested about {tokens + bound} "
                      f'tokens ({tokens} of text input, {bound} in the output). Please reduce the length of either one, or use the '
                      '"middle-out" transform to compress your prompt automatically.', code=400)


def together_context(model, tokens, bound):
    return error(422, f'Input validation error: `inputs` tokens + `max_new_tokens` must be <= {model.limits.context}. Given: {tokens} `inputs` '
                      f'tokens and {bound} `max_new_tokens`', param='max_tokens')


def vllm_context(model, tokens, bound):
    return error(400, f"'max_tokens' or 'max_completion_tokens' is too large: {bound}. This model's maximum context length is "
                      f'{model.limits.context} tokens and your request has {tokens} input tokens ({bound} > {model.limits.context} - {tokens}). '
                      f'(parameter=max_tokens, value={bound})', type_='BadRequestError', code=400)


CONTEXT = {'openai': openai_context, 'openrouter': openrouter_context, 'together': together_context, 'cerebras': vllm_context}


# --- Anthropic ------------------------------------------------------------------------------------------------------------

def anthropic_error(message):
    return Reply(400, {'type': 'error', 'error': {'type': 'invalid_request_error', 'message': message}, 'request_id': 'req_011'})


def check_messages(model, body, tokens):
    bound = body.get('max_tokens')
    if bound is None:
        return anthropic_error('max_tokens: Field required')
    if bound < 1:
        return anthropic_error('max_tokens: must be greater than or equal to 1')
    if bound > model.limits.longest:
        return anthropic_too_large(model, 'max_tokens', bound)
    thinking = body.get('thinking') or {}
    if thinking.get('type') == 'enabled':
        if thinking['budget_tokens'] < LEAST_THINKING:
            return anthropic_error('thinking.enabled.budget_tokens: Input should be greater than or equal to 1024')
        if bound <= thinking['budget_tokens']:
            return anthropic_error('`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at '
                                   'https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size')
    if tokens + bound > model.limits.context:
        return anthropic_error(f'input length and `max_tokens` exceed context limit: {tokens} + {bound} > {model.limits.context}, decrease '
                               'input length or `max_tokens` and try again')
    return unknown_members(body, {'model', 'max_tokens', 'messages', 'thinking', 'stream', 'system', 'metadata', 'tools', 'temperature'},
                           lambda name: anthropic_error(f'{name}: Extra inputs are not permitted'))


# --- OpenAI's dialect ----------------------------------------------------------------------------------------------------------

CHAT_MEMBERS = {'model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'user', 'temperature', 'tools'}


def unknown_members(body, known, refusal):
    extra = sorted(set(body) - known)
    return refusal(extra[0]) if extra else None


def unsupported(field, instead):
    return error(400, f"Unsupported parameter: '{field}' is not supported with this model. Use '{instead}' instead.", param=field,
                 code='unsupported_parameter')


def check_bound(model, field, bound, tokens):
    if bound < 1:
        return error(400, f"Invalid '{field}': integer below minimum value. Expected a value >= 1, but got {bound} instead.", param=field,
                     code='integer_below_min_value')
    if bound > model.limits.longest:
        return TOO_LARGE.get(model.provider, range_too_large)(model, field, bound)
    if tokens + bound > model.limits.context:
        return CONTEXT.get(model.provider, openai_context)(model, tokens, bound)
    return None


def check_chat(model, body, tokens):
    if 'max_tokens' in body and 'max_completion_tokens' in body:
        return error(400, 'Setting both `max_tokens` and `max_completion_tokens` at the same time is not supported.', param='max_tokens')
    if model.completion_field and 'max_tokens' in body:
        return unsupported('max_tokens', 'max_completion_tokens')
    if model.provider == 'mistral' and 'max_completion_tokens' in body:
        return Reply(422, {'object': 'error', 'message': {'detail': [
            {'type': 'extra_forbidden', 'loc': ['body', 'max_completion_tokens'], 'msg': 'Extra inputs are not permitted'}]}})
    if model.refuses_stream_options and 'stream_options' in body:
        return Reply(422, {'object': 'error', 'message': {'detail': [
            {'type': 'extra_forbidden', 'loc': ['body', 'stream_options'], 'msg': 'Extra inputs are not permitted',
             'input': body['stream_options']}]}})
    for field in ('max_tokens', 'max_completion_tokens'):
        if field in body and (refusal := check_bound(model, field, body[field], tokens)):
            return refusal
    return unknown_members(body, CHAT_MEMBERS | {'prompt'}, lambda name: error(400, f'Unrecognized request argument supplied: {name}'))


def check_responses(model, body, tokens):
    for field in ('max_tokens', 'max_completion_tokens', 'stream_options'):
        if field in body:
            return error(400, f"Unknown parameter: '{field}'.", param=field, code='unknown_parameter')
    bound = body.get('max_output_tokens')
    if bound is None:
        return None
    if bound < OPENAI_LEAST_OF_RESPONSES:
        return error(400, f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {bound} instead.",
                     param='max_output_tokens', code='integer_below_min_value')
    return check_bound(model, 'max_output_tokens', bound, tokens)


# --- answers ---------------------------------------------------------------------------------------------------------------------

def answer_chat(model, body, tokens, output):
    usage = {'prompt_tokens': tokens, 'completion_tokens': output, 'total_tokens': tokens + output}
    base = {'id': 'chatcmpl-1', 'created': 1, 'model': model.name, 'object': 'chat.completion'}
    if not body.get('stream'):
        choice = {'index': 0, 'message': {'role': 'assistant', 'content': 'word'}, 'text': 'word', 'finish_reason': 'stop'}
        return Reply(200, {**base, 'choices': [choice], 'usage': usage})
    base['object'] += '.chunk'
    told = model.refuses_stream_options or (body.get('stream_options') or {}).get('include_usage')
    events = [event({**base, 'choices': [{'index': 0, 'delta': {'content': 'word'}, 'text': 'word', 'finish_reason': None}]}),
              event({**base, 'choices': [{'index': 0, 'delta': {}, 'text': '', 'finish_reason': 'stop'}],
                     **({'usage': usage} if model.refuses_stream_options else {})})]
    if told and not model.refuses_stream_options:
        events.append(event({**base, 'choices': [], 'usage': usage}))
    return Reply.stream([*events, event('[DONE]')])


def answer_responses(model, body, tokens, output):
    usage = {'input_tokens': tokens, 'input_tokens_details': {'cached_tokens': 0}, 'output_tokens': output,
             'output_tokens_details': {'reasoning_tokens': 0}, 'total_tokens': tokens + output}
    item = {'id': 'msg_1', 'type': 'message', 'role': 'assistant', 'status': 'completed',
            'content': [{'type': 'output_text', 'text': 'word', 'annotations': []}]}
    response = {'id': 'resp_1', 'object': 'response', 'status': 'completed', 'model': model.name, 'output': [item], 'usage': usage}
    if not body.get('stream'):
        return Reply(200, response)
    started = {**response, 'status': 'in_progress', 'output': [], 'usage': None}
    return Reply.stream([
        event({'type': 'response.created', 'sequence_number': 0, 'response': started}, 'response.created'),
        event({'type': 'response.output_text.delta', 'sequence_number': 1, 'item_id': 'msg_1', 'output_index': 0, 'content_index': 0,
               'delta': 'word'}, 'response.output_text.delta'),
        event({'type': 'response.completed', 'sequence_number': 2, 'response': response}, 'response.completed')])


def answer_messages(model, body, tokens, output):
    usage = {'input_tokens': tokens, 'cache_creation_input_tokens': 0, 'cache_read_input_tokens': 0, 'output_tokens': output}
    message = {'id': 'msg_1', 'type': 'message', 'role': 'assistant', 'model': model.name, 'content': [{'type': 'text', 'text': 'word'}],
               'stop_reason': 'end_turn', 'stop_sequence': None, 'usage': usage}
    if not body.get('stream'):
        return Reply(200, message)
    begun = {**message, 'content': [], 'stop_reason': None, 'usage': {**usage, 'output_tokens': 1}}
    return Reply.stream([
        event({'type': 'message_start', 'message': begun}, 'message_start'),
        event({'type': 'content_block_start', 'index': 0, 'content_block': {'type': 'text', 'text': ''}}, 'content_block_start'),
        event({'type': 'content_block_delta', 'index': 0, 'delta': {'type': 'text_delta', 'text': 'word'}}, 'content_block_delta'),
        event({'type': 'content_block_stop', 'index': 0}, 'content_block_stop'),
        event({'type': 'message_delta', 'delta': {'stop_reason': 'end_turn', 'stop_sequence': None}, 'usage': usage}, 'message_delta'),
        event({'type': 'message_stop'}, 'message_stop')])


ENDPOINTS = {
    '/chat/completions': (check_chat, answer_chat, ('max_tokens', 'max_completion_tokens')),
    '/completions': (check_chat, answer_chat, ('max_tokens',)),
    '/responses': (check_responses, answer_responses, ('max_output_tokens',)),
    '/messages': (check_messages, answer_messages, ('max_tokens',))}
# "case 17 long": which of the test's requests it is, and whether it is answered with all tokens that it may have.
CASE = re.compile(rb'case (\d+) (long|short)')


class StrictProvider:
    """Its answers are those of a Provider (gateway.py). What it saw of each case is in `seen`, what it would bill in `billed`."""

    def __init__(self, models):
        self.models, self.seen, self.billed, self.refused = models, {}, {}, {}

    async def answer(self, method, path, fields, raw):
        _, provider, path = path.split('/', 2)
        check, answer, bounds = ENDPOINTS[path.removeprefix('v1')]
        body = json.loads(raw)
        model = self.models[provider, body['model']]
        tokens = len(raw) // 4 + 1
        found = CASE.search(raw)
        case, length = (int(found[1]), found[2]) if found else (None, b'short')  # none: crd's own request
        if refusal := check(model, body, tokens):
            self.refused.setdefault(case, []).append(refusal.body.decode())
            return refusal
        bound = next((body[field] for field in bounds if field in body), None)
        most = min(bound or model.billed_longest, model.billed_longest, model.billed_context - tokens)
        output = max(most, 1) if length == b'long' else min(SHORT_ANSWER, most)
        self.seen.setdefault(case, []).append(bound)
        bill = tokens * model.rates[0] + output * model.rates[1] + model.fee
        self.billed[case] = self.billed.get(case, Decimal(0)) + bill
        return answer(model, body, tokens, output)
