# SPDX-License-Identifier: MIT
"""Which models the shipped list has, by provider, in the order in which they precede one another: an id that two of them
sell stands in the first one's rows, at the dearer price of the two."""
import re
from dataclasses import dataclass, field


@dataclass
class Selection:
    provider: str
    genai: str | None  # the provider's name in genai-prices
    litellm: tuple[str, ...]  # and in litellm
    keep: str
    drop: str = r'(?!)'
    also: tuple[str, ...] = field(default_factory=tuple)  # ids that neither package spells out, but prices

    def takes(self, model_id):
        return bool(re.search(self.keep, model_id)) and not re.search(self.drop, model_id)


SELECTIONS = [
    # No relay is sold by the session: realtime and live. Names with a colon or a size are variants and fine-tunes.
    Selection(
        'openai', 'openai', ('openai',),
        r'^(gpt-|chatgpt-|chat-latest$|o[134](-|$)|codex-|text-embedding-|whisper-1$|tts-1|davinci-002|babbage-002|'
        r'(omni|text)-moderation)',
        r'[:/]|realtime|live|-high$|\.ft-|vision-preview|^gpt-35|^gpt-5-\d(-|$)|^gpt-3\.5-0|^gpt-3\.5-turbo-0301|'
        r'^gpt-4-(0314|32k)|^gpt-5-image|^gpt-5\.4-image|^text-embedding-ada$|^gpt-4-turbo-0125|^gpt-chat-latest$|'
        r'^gpt-5\.1-mini$|^gpt-5\.\d(-\d+)?-chat$|^gpt-5\.3$|^gpt-5\.5-2026-04-24$',
        also=('text-moderation-latest', 'text-moderation-stable', 'gpt-5-nano-2025-08-07', 'gpt-4o-audio-preview',
              'gpt-4o-mini-audio-preview', 'gpt-3.5-turbo-instruct')),
    Selection(
        'anthropic', 'anthropic', ('anthropic',), r'^claude-', r'\.|^claude-(2|v1|instant|3-sonnet|3-5-sonnet$|opus-4$|sonnet-4$)',
        also=('claude-opus-4-1-20250805', 'claude-opus-4-20250514', 'claude-sonnet-4-20250514', 'claude-sonnet-4-0',
              'claude-3-7-sonnet-20250219', 'claude-3-5-haiku-20241022', 'claude-3-5-sonnet-20241022',
              'claude-3-5-sonnet-latest', 'claude-3-haiku-20240307', 'claude-3-opus-20240229', 'claude-opus-5-latest')),
    Selection(
        'google', 'google', ('gemini',), r'^(gemini-(\d|embedding|flash-|pro-latest|nano)|imagen-|gemma-(3-27b|4-26b-a4b|4-31b)-it$)',
        r'^gemini-1|live|native-audio|omni|:|-exp|^gemini-flash-1|computer-use|preview-0[45]|-video|robotics|capability'),
    Selection(
        'mistral', 'mistral', ('mistral',),
        r'^(mistral|ministral|codestral|devstral|magistral|pixtral|open-mi|voxtral|labs-|zai-|deepseek-|glm-)',
        r':|-instruct|ocr|moderation|realtime|leanstral|^mistral-(large|7b|medium-2312)$|^ministral-[38]b$|^pixtral-(large|12b)$|'
        r'^devstral-small$|^magistral-(medium|small)$|^mistral-nemo$'),
    Selection('deepseek', 'deepseek', ('deepseek',), r'^deepseek-(chat|reasoner|flash|v4-(flash|pro)|v4-flash-vision-exp)$'),
    Selection('x-ai', 'x-ai', ('xai',), r'^grok-', r'^grok-2|/|voice|video|experimental|-gv2|beta|^grok-\d.*vision'),
    Selection(
        'groq', 'groq', ('groq',),
        r'^(llama-3\.1-8b-instant|llama-3\.3-70b-versatile|meta-llama/|openai/gpt-oss|qwen/|moonshotai/|whisper-|canopylabs/)'),
    Selection('cohere', 'cohere', ('cohere', 'cohere_chat'), r'^(command|embed-|rerank-|c4ai-)', r'nightly|/'),
    Selection('moonshotai', 'moonshotai', ('moonshot',), r'^(kimi|moonshot)-', r'^kimi-k2$'),
    Selection('perplexity', 'perplexity', ('perplexity',), r'^(sonar(-pro|-reasoning|-reasoning-pro)?$|pplx-embed-)'),
    Selection('minimax', 'minimax', ('minimax',), r'^(MiniMax-M|M2-her)'),
    Selection('zai', 'zai', ('zai',), r'^(GLM|glm)-\d'),
    Selection('qwen', None, ('dashscope', 'qwencloud'), r'^(qwen|qwq)', r'image|tts|audio'),
    Selection('voyageai', 'voyageai', ('voyage',), r'^(voyage|rerank)-'),
    Selection('cerebras', 'cerebras', ('cerebras',), r'^(gpt-oss|llama|qwen|zai-glm|gemma)', r'/'),
    Selection(
        'together', 'together', ('together_ai',),
        r'^(meta-llama/(Llama-(3\.3|4)|Meta-Llama-3\.1|Llama-3\.)|openai/|Qwen/|deepseek-ai/|moonshotai/|zai-org/|MiniMaxAI/|'
        r'mistralai/|google/gemma|meta-models/|nvidia/)', r'Qwen-Image|VL-Embed|Qwen1\.5|gemma-\d?[27]b|-v0\.1$|-v0\.2$|coder-33b'),
    Selection('openrouter', 'openrouter', ('openrouter',), r'^qwen/qwen(-plus|-max|-turbo|3)', r':'),
]

# The same weights under another name: who asks for the first may be asking any who sells the second, and pays the dearer.
SAME = {'gpt-oss-120b': 'openai/gpt-oss-120b', 'gpt-oss-20b': 'openai/gpt-oss-20b', 'gpt-oss-safeguard-20b': 'openai/gpt-oss-safeguard-20b'}
