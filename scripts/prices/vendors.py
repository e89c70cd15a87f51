# SPDX-License-Identifier: MIT
"""What the vendors' own pages say and the two packages do not, or say otherwise. Each entry names its page.

Rates are dollars a million tokens, fees dollars a call, as decimal text."""
import re

OPENAI = 'https://developers.openai.com/api/docs/'
CLAUDE = 'https://platform.claude.com/docs/en/'
GEMINI = 'https://ai.google.dev/gemini-api/docs/'
MISTRAL = 'https://docs.mistral.ai/'
QWEN = 'https://www.alibabacloud.com/help/en/model-studio/'

# Members of rows: (ids, members, page, why). They overrule both packages.
CORRECTIONS = [
    (r'^tts-1(-1106)?$', {'per_character': '15'}, OPENAI + 'models/tts-1', 'sold by characters'),
    (r'^tts-1-hd(-1106)?$', {'per_character': '30'}, OPENAI + 'models/tts-1-hd', 'sold by characters'),
    (r'^mistral-large-latest$', {'input': '0.5', 'cached_input': '0.05', 'output': '1.5'}, MISTRAL + 'models/mistral-large-3-25-12',
     'the alias is of Mistral Large 3; genai-prices has the price of Mistral Large 2'),
    (r'^embed-multilingual-light-v3\.0$', {'input': '0.1'}, 'https://cohere.com/pricing',
     'litellm has dollars a million where it means dollars a thousand millions'),
    (r'^open-mistral-nemo', {'input': '0.15', 'output': '0.15'}, MISTRAL + 'models/mistral-nemo-12b-24-07', 'litellm has $0.30'),
]

# Free of charge: (ids, page). Where a source says so of another model it is a trial's, and no price to hold a quota by.
FREE = [
    (r'^(omni|text)-moderation', OPENAI + 'guides/moderation'),
    (r'^(glm|GLM)-4\.[57]-[Ff]lash$', 'https://docs.z.ai/guides/overview/pricing'),
    (r'^gemma-(3-27b|4-26b-a4b|4-31b)-it$', GEMINI + 'pricing'),
]

# Contexts: (ids, tokens, page). They overrule every source.
CONTEXTS = [
    (r'^deepseek-(chat|reasoner)$', 1000000, 'https://api-docs.deepseek.com/news/news260424'),
    (r'^MiniMax-M2', 204800, 'https://platform.minimax.io/docs/guides/text-generation'),
    (r'^(babbage|davinci)-002$', 16384, OPENAI + 'models/davinci-002'),
    (r'^gpt-4\.5', 128000, OPENAI + 'models/gpt-4.5-preview'),
    (r'^(gpt-5\.5-cyber|gpt-rosalind)', 1050000, OPENAI + 'models'),
    (r'^(mistral-(saba|small$|tiny$)|open-mistral-7b|open-mixtral-8x7b)', 32768, MISTRAL + 'models'),
    (r'^open-mixtral-8x22b', 65536, MISTRAL + 'models'),
    (r'^(mistral-large-24|mistral-small-2506|open-mistral-nemo|pixtral-|devstral-small-2507|ministral-8b-2410)', 131072, MISTRAL + 'models'),
    (r'^(labs-)?devstral-(2512|latest|medium-latest|small-(2512|latest))|^ministral-(3-)?3b-(2512|latest)|^codestral-mamba', 262144,
     MISTRAL + 'models'),
    (r'^command$', 4096, 'https://docs.cohere.com/docs/models'),
    (r'^command-r7b', 128000, 'https://docs.cohere.com/docs/models'),
    (r'^(glm|GLM)-4\.6[vV]-', 128000, 'https://docs.z.ai/guides/vlm/glm-4.6v'),
    (r'^(glm|GLM)-4\.7-[Ff]lash', 200000, 'https://docs.z.ai/guides/llm/glm-4.7'),
    (r'^(glm|GLM)-5\.3-[Ff]lash', 1000000, 'https://docs.z.ai/guides/llm/glm-5.3'),
    (r'^(qwen/)?qwen(3\.[578]-(max|plus|flash|omni)|3-coder-(plus|flash)|-turbo)', 1000000, QWEN + 'models'),
    (r'^qwen-(plus|flash)(-latest|-2025-(07-28|09-11))?$', 1000000, QWEN + 'models'),
    (r'^(qwen-plus-2025-0(1-25|4-28|7-14)|qwq-plus)$', 131072, QWEN + 'models'),
    (r'^qwen3-(max|vl-plus)', 262144, QWEN + 'models'),
    (r'^(qwen/)?qwen-max$', 32768, QWEN + 'models'),
]

# Of a longest answer: no limit is documented but that input and answer share the context.
OF_CONTEXT = 'of the context'

# Alibaba's Qwen thinks beside the answer: `max_tokens` does not bound the thinking, which has a limit of its own and is billed as output:
# (ids, longest answer, longest thinking, page, how of both, how of the thinking).
ANSWER_AND_THINKING = [
    (r'^(qwen/)?qwen3\.(7-(max|plus|flash)|8-(max|flash)(-prime|-0902)?)(-20\d{6})?$', 131072, 262144, QWEN + 'qwen3-8-max',
     'answer and thinking; the pages of the others say the same', ''),
    (r'^(qwen/)?qwen3\.8-omni-flash', 131072, 262144, QWEN + 'qwen3-8-omni-flash', 'how long it thinks is not documented: as qwen3.8-flash',
     'not documented: as qwen3.8-flash'),
    (r'^(qwen/)?qwen3\.6-max-preview', 65536, 131072, QWEN + 'qwen3-6-flash', 'how long it thinks is not documented: as qwen3.6-flash',
     'not documented: as qwen3.6-flash'),
    (r'^(qwen/)?qwen3\.5-plus', 65536, 81920, QWEN + 'models', 'answer and thinking', ''),
    (r'^qwen3-(max(-preview|-2026-01-23)?|vl-plus|(next-80b-a3b|vl-235b-a22b|vl-32b)-thinking)$', 32768, 81920, QWEN + 'models',
     'answer and thinking; 65,536 and 32,768 where it does not think', ''),
    (r'^(qwen/)?qwen-(plus|flash)(-latest|-2025-(07-28|09-11))?$', 32768, 81920, QWEN + 'models', 'answer and thinking', ''),
    (r'^(qwen/)?qwen-(plus-2025-0(4-28|7-14)|turbo(-latest|-2025-04-28)?)$', 16384, 38912, QWEN + 'models', 'answer and thinking', ''),
    (r'^qwq-plus$', 8192, 32768, QWEN + 'models', 'answer and thinking', ''),
]

# Longest answers: (ids, tokens, page, how). They overrule every source; litellm has the context where a vendor documents none.
LONGEST = [
    (r'^gpt-4(-0613)?$', 8192, OPENAI + 'models/gpt-4', 'as long as the context'),
    (r'^gpt-4-(0125|turbo)-preview$|^gpt-3\.5-turbo-(0613|16k|instruct)', 4096, OPENAI + 'models', ''),
    (r'^(chatgpt-4o|gpt-4\.5)', 16384, OPENAI + 'models/chatgpt-4o-latest', ''),
    (r'^(babbage|davinci)-002$', 16384, OPENAI + 'models/davinci-002', ''),
    (r'^o1-preview', 32768, OPENAI + 'models/o1-preview', ''),
    (r'^o1-mini', 65536, OPENAI + 'models/o1-mini', ''),
    (r'^codex-mini', 100000, OPENAI + 'models/codex-mini-latest', ''),
    (r'^(gpt-5\.5-(chat-latest|codex|cyber)|gpt-rosalind)', 128000, OPENAI + 'models', ''),
    (r'^gpt-4o-mini-tts', 16384, OPENAI + 'models/gpt-4o-mini-tts',
     'not documented: 13 minutes at 20.8 tokens a second ($0.015 a minute); 2,000 tokens of text are the longest input'),
    (r'^MiniMax-M2', 204800, 'https://platform.minimax.io/docs/guides/text-generation', 'no limit but the context; litellm has 8,192'),
    (r'^MiniMax-M3$', 524288, 'https://docs.evolink.ai/en/api-manual/language-series/minimax-m3/minimax-m3-chat',
     'a reseller\'s copy of the reference: 512K, 128K recommended, which litellm has'),
    (r'^(mistral|ministral|codestral|devstral|labs-devstral|magistral|pixtral|open-mistral|open-mixtral|voxtral-small)(-|$)', OF_CONTEXT,
     MISTRAL + 'api', 'input and max_tokens share the context, no other limit'),
    (r'^deepseek-(chat|reasoner)$', 393216, 'https://api-docs.deepseek.com/quick_start/pricing', '384K: names of V4 Flash, until they were retired'),
    *((ids, answer + thinking, page, how) for ids, answer, thinking, page, how, _ in ANSWER_AND_THINKING),
    (r'^(qwen/)?qwen-plus-2025-01-25$', 8192, QWEN + 'models', 'does not think'),
    (r'^(glm|GLM)-4\.5(-[Aa]ir[xX]?|-[xX])?$', 98304, 'https://docs.z.ai/guides/llm/glm-4.5', '96K; litellm has 32,000'),
    (r'^(glm|GLM)-(4\.[67]|5(\.[123])?)(-code|-[Ff]lash[xX]?)?$', 131072, 'https://docs.z.ai/guides/overview/concept-param',
     '128K are 131,072; litellm has 128,000'),
    (r'^gemini-.*-tts', 16384, GEMINI + 'models', ''),
    (r'^claude-3-(haiku|opus)', 4096, CLAUDE + 'about-claude/models/overview', ''),
    (r'^claude-3-5-', 8192, CLAUDE + 'about-claude/models/overview', ''),
    (r'^claude-opus-4(-0|-1|-20250514|-1-20250805)$', 32000, CLAUDE + 'about-claude/models/overview', ''),
    (r'^claude-(3-7-sonnet|sonnet-4-0|sonnet-4-20250514)', 64000, CLAUDE + 'about-claude/models/overview', ''),
    (r'^claude-(opus-5|fable-5|mythos-5)', 128000, CLAUDE + 'about-claude/models/overview', ''),
]

# How long a model can think beyond its bound, where the bound counts none of it (Alibaba's max_tokens, xAI's
# max_completion_tokens): (ids, tokens, page, how). A longest answer of LONGEST has it in it.
XAI_REASONING = 'https://docs.x.ai/docs/guides/reasoning'
THINKING_BESIDE = [
    *((ids, thinking, page, how) for ids, _, thinking, page, _, how in ANSWER_AND_THINKING),
    (r'^grok-(3-mini|latest|4|build|code)(?!.*non-reasoning)', 32768, XAI_REASONING, 'not documented how long; the total of its usage has it'),
]

# The most model tokens that one input image comes to: (ids, tokens, page, how). The first that fits. From GPT-5.6 on an image is not
# made smaller unless asked to; one of over 30,000 patches of 32 x 32 pixels is refused.
SEEN = OPENAI + 'guides/images-vision'
IMAGE_TOKENS = [
    (r'^gpt-image-1|^chatgpt-image', 7337, OPENAI + 'guides/image-generation', '65, eight tiles of 129, and 6,240 of high fidelity'),
    (r'^gpt-image-2', 12000, SEEN, '10,000 patches x 1.2'),
    (r'^gpt-4o-mini', 2833 + 8 * 5667, SEEN, 'base and eight tiles'),
    (r'^(gpt-4\.1-mini|gpt-5-mini|gpt-5\.1-codex-mini)', 2489, SEEN, '1,536 patches x 1.62'),
    (r'^(gpt-4\.1-nano|gpt-5-nano)', 3779, SEEN, '1,536 patches x 2.46'),
    (r'^o4-mini|^codex-mini', 2642, SEEN, '1,536 patches x 1.72'),
    (r'^(o1|o3)(-|$)', 75 + 8 * 150, SEEN, 'base and eight tiles'),
    (r'^(gpt-4o|gpt-4\.[15]|gpt-4-turbo|chatgpt-4o)', 85 + 8 * 170, SEEN, 'base and eight tiles'),
    (r'^gpt-5(-|$|\.[123])', 1844, SEEN, '1,536 patches x 1.2, or base and eight tiles'),
    (r'^gpt-5\.4-mini', 16200, SEEN, '10,000 patches x 1.62'),
    (r'^gpt-5\.4-nano', 24600, SEEN, '10,000 patches x 2.46'),
    (r'^gpt-5\.[45]', 12000, SEEN, '10,000 patches x 1.2'),
    (r'^gpt-(5\.6|6)-luna', 73800, SEEN, '30,000 patches x 2.46'),
    (r'^(gpt-5\.6|gpt-6|gpt-rosalind|gpt-daybreak|chat-latest)', 36000, SEEN, '30,000 patches x 1.2'),
    (r'^claude-(opus-4-[78]|opus-5|sonnet-5|haiku-5|fable|mythos)', 4784, CLAUDE + 'build-with-claude/vision', '2,576 pixels of the longer edge'),
    (r'^claude-', 1600, CLAUDE + 'build-with-claude/vision', '1,568 pixels of the longer edge'),
    (r'^gemini-2', 4386, GEMINI + 'tokens', 'sixteen tiles of 258 and one more'),
    (r'^gemini-(?!embedding)', 2240, GEMINI + 'media-resolution', 'ultra high'),
    (r'^grok-', 1792, 'https://docs.x.ai/docs/guides/image-understanding', 'six tiles of 256 and one more'),
    (r'^(mistral|ministral|pixtral|magistral)-', 4160, MISTRAL + 'capabilities/vision', '64 rows of 64 patches and a break'),
    (r'^(qwen/)?qwen.*(-vl-|omni)|^(qwen/)?qwen3\.[5-9]', 16386, 'https://www.alibabacloud.com/help/en/model-studio/vision', '16,384 and two marks'),
    (r'^(Qwen|google|moonshotai/Kimi|zai-org|MiniMaxAI|meta-models|mistralai|nvidia)|^meta-llama/Llama-4', 6404,
     'https://docs.together.ai/docs/vision-overview', 'four tiles of 1,601'),
]

# The most model tokens that one made image comes to.
OUTPUT_IMAGE_TOKENS = [
    (r'^(gpt-image-1|chatgpt-image)', 6240, OPENAI + 'guides/image-generation', '1024 x 1536 in high quality'),
    (r'^gpt-image-2', 24019, OPENAI + 'guides/image-generation', '2880 x 2880 in high quality is 23,719; three partial images 100 each'),
    (r'^gemini-2\.5-flash-image', 1290, GEMINI + 'image-generation', '1024 x 1024'),
    (r'^gemini-3-pro-image', 2000, GEMINI + 'image-generation', '4K'),
    (r'^(gemini-3\.1-flash-(lite-)?image|gemini-nano-banana)', 2520, GEMINI + 'image-generation', '4K'),
]

# What is charged with each request of these, because the response does not count it.
WITH_EACH_REQUEST = [
    (r'^gpt-4o-(mini-)?search-preview', '0.025', OPENAI + 'pricing', 'a web search preview of a model that does not reason'),
    (r'^gpt-5-search-api', '0.01', OPENAI + 'pricing', 'a web search'),
    (r'^whisper-large-v3-turbo$', '0.000111112', 'https://console.groq.com/docs/speech-to-text', 'ten seconds of sound are the least'),
    (r'^whisper-large-v3$', '0.000308334', 'https://console.groq.com/docs/speech-to-text', 'ten seconds of sound are the least'),
]

# Models that think unasked, beside those that litellm knows to under their own names: (ids, page).
THINKS = [
    (r'^(o1|codex-mini)', OPENAI + 'guides/reasoning'),
    (r'^claude-(fable|mythos)-5|^claude-(opus|sonnet)-5-5', CLAUDE + 'build-with-claude/extended-thinking'),
    (r'^gemini-(3|4|(flash|flash-lite|pro)-latest)', GEMINI + 'thinking'),
    (r'^magistral-', MISTRAL + 'capabilities/reasoning'),
    (r'^grok-(3-mini|latest|4(-0709|-latest|-fast|-fast-reasoning|-1-fast|-1-fast-reasoning)?(-latest)?$)', 'https://docs.x.ai/docs/guides/reasoning'),
    (r'^kimi-k(2\.[5-9]|3)', 'https://platform.kimi.ai/docs/guide/use-kimi-k2-thinking-model'),
    (r'^MiniMax-M[23]', 'https://platform.minimax.io/docs/guides/text-generation'),
    (r'^(glm|GLM)-(4\.[5-9]|5)', 'https://docs.z.ai/guides/capabilities/thinking'),
    (r'^(qwen/)?(qwen3\.[5-9]|qwq-)|-thinking(-|$)', 'https://www.alibabacloud.com/help/en/model-studio/deep-thinking'),
]

# OpenAI's web search preview costs $25 a thousand on models that do not reason, web search $10: one pointer counts both,
# so those models' searches are at the dearer of the two.
NO_REASONING = r'^(gpt-3|gpt-4|chatgpt-)'

# Of what web search finds OpenAI passes on no more than this (guides/tools-web-search, "Limitations"). What the other tools
# bring into the input has no bound but the context.
SEARCH_BRINGS = 128000
# Images that the tool made are seen by the model: no more than one of the largest is taken to be.
IMAGE_BRINGS = 12000

MOST_CALLS = 20  # where the request names no bound: none is documented; what a long research turn has been seen to make


def tool(name, count, fee, most=MOST_CALLS, brings=None):
    rule = {'tool': name, 'count': count, 'fee': fee, 'most': most}
    return rule if brings is None else {**rule, 'brings': brings}


def known(request, answer, *values):
    return {'request': request, 'answer': answer, 'is': list(values)}


# Inference kept in the US costs 1.1 times as much from Opus 4.6 on; older models refuse the member.
KEPT_IN_US = r'^claude-(opus-4-[678]|sonnet-4-6|(opus|sonnet|haiku|fable|mythos)-5)'

TIER = ('/service_tier', '/service_tier')
SPEED = ('/speed', '/usage/speed')
GEO = ('/inference_geo', '/usage/inference_geo')


def openai_rules(model, table):
    if not text_model(model, table):
        return []
    search = '0.025' if re.match(NO_REASONING, model) else '0.01'
    searches = 1 if any(re.match(ids, model) for ids, *_ in WITH_EACH_REQUEST) else MOST_CALLS
    return [
        known(*TIER, 'default', 'auto', 'standard', 'scale'),
        tool('web_search', '/output/web_search_call', search, searches, SEARCH_BRINGS),
        tool('file_search', '/output/file_search_call', '0.0025'),
        tool('code_interpreter', '/output/code_interpreter_call', '0.03', 1),
        # The images that the tool makes are told beside the usage, in tokens of the image model: those of gpt-image-1, the
        # dearest. Held for one of 1024 x 1024 in high quality.
        tool('image_generation', '/tool_usage/image_gen/output_tokens', '0.00004', 7024, IMAGE_BRINGS),
        tool('image_generation', '/tool_usage/image_gen/input_tokens', '0.00001', 4500, IMAGE_BRINGS),
    ]


def anthropic_rules(model, table):
    rules = [known('/service_tier', '/usage/service_tier', 'auto', 'standard_only', 'standard', 'priority'), known(*SPEED, 'standard')]
    if re.match(KEPT_IN_US, model):
        rules.append({**known(*GEO, 'us'), 'factor': '1.1'})
    rules.append(known(*GEO, 'global', 'not_available'))
    rules.append(tool('web_search', '/usage/server_tool_use/web_search_requests', '0.01'))
    return rules


def google_rules(model, table):
    rules = [known(*TIER, 'standard', 'default', 'auto')] if text_model(model, table) else []
    if 'search' in table.fees:
        rules.append(tool('google_search', '/output/google_search_call', plain(table.fees['search'])))
    return rules


def xai_rules(model, table):
    if not text_model(model, table):
        return []
    return [tool(name, f'/usage/server_side_tool_usage_details/{name}_calls', fee) for name, fee in
            (('web_search', '0.005'), ('x_search', '0.005'), ('code_interpreter', '0.005'), ('file_search', '0.0025'))]


def groq_rules(model, table):
    return [known(*TIER, 'auto', 'default', 'on_demand', 'flex')] if text_model(model, table) else []


def variants(provider):
    """The tiers of a provider: what the sources call them, the member of the request, its values."""
    priority = ['priority'] if provider == 'google' else ['priority', 'fast']
    return [('priority', TIER, priority), ('ultrafast', TIER, ['ultrafast']), ('flex', TIER, ['flex']), ('fast', SPEED, ['fast'])]


RULES = {'openai': openai_rules, 'anthropic': anthropic_rules, 'google': google_rules, 'x-ai': xai_rules, 'groq': groq_rules}


def text_model(model, table):
    """Whether it writes text: not images, sound, embeddings, ranks."""
    if re.search(r'image|imagine|imagen|tts|transcribe|whisper|embed|rerank|moderation|orpheus|voxtral-mini', model):
        return False
    return table.base.get('output', 0) > 0


def plain(number):
    return format(number.normalize(), 'f')
