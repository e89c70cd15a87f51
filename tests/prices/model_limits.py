# SPDX-License-Identifier: MIT
"""What models take at most, by a source that the shipped list is not made from: the model profiles that LangChain's packages
carry (of models.dev), installed by scripts/deps.sh. Files of data alone: none of the packages is imported."""
import dataclasses
import pathlib
import re
import runpy

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROFILES = ROOT / 'build' / 'model-limits'

# Whose package knows a provider's models, and, where that is a seller of others', its name for their maker.
PACKAGES = {
    'openai': ('langchain_openai', ''), 'anthropic': ('langchain_anthropic', ''), 'google': ('langchain_google_genai', ''),
    'mistral': ('langchain_mistralai', ''), 'groq': ('langchain_groq', ''), 'x-ai': ('langchain_xai', ''),
    'deepseek': ('langchain_deepseek', ''), 'openrouter': ('langchain_openrouter', ''), 'zai': ('langchain_openrouter', 'z-ai/'),
    'moonshotai': ('langchain_openrouter', 'moonshotai/'), 'minimax': ('langchain_openrouter', 'minimax/'),
    'qwen': ('langchain_openrouter', 'qwen/'), 'cohere': ('langchain_openrouter', 'cohere/'),
    'perplexity': ('langchain_openrouter', 'perplexity/'), 'together': ('langchain_openrouter', ''), 'cerebras': ('langchain_openrouter', '')}
# Of a model that the source does not know the provider takes this much: less than most do.
UNKNOWN_LONGEST = 4096


@dataclasses.dataclass(frozen=True)
class Limits:
    context: int
    longest: int
    known: bool
    reasons: bool


class Source:
    def __init__(self):
        self.profiles = {}
        for package, _ in PACKAGES.values():
            path = PROFILES / package / 'data' / '_profiles.py'
            if not path.exists():
                raise SystemExit(f'{path} is not there: run scripts/deps.sh')
            self.profiles.setdefault(package, runpy.run_path(str(path))['_PROFILES'])
        # The same model at any seller's: what stands behind the maker's name.
        self.anywhere = {}
        for package in self.profiles.values():
            for name, profile in package.items():
                self.anywhere.setdefault(name.rsplit('/', 1)[-1].lower(), profile)

    def profile(self, provider, model):
        package, maker = PACKAGES.get(provider, ('langchain_openrouter', ''))
        for name in (model, re.sub(r'(-latest|-preview|-20\d\d-?\d\d-?\d\d|-\d{4})+$', '', model)):
            found = self.profiles[package].get(maker + name) or self.profiles[package].get((maker + name).lower())
            found = found or self.anywhere.get(name.rsplit('/', 1)[-1].lower())
            if found and found.get('max_output_tokens') and found.get('max_input_tokens'):
                return found
        return None

    def limits(self, provider, model, listed_context, listed_longest, halved=False):
        """What the model takes. `halved`: as its provider would that knows half of it."""
        found = self.profile(provider, model)
        if found:
            longest, context = found['max_output_tokens'], found['max_input_tokens']
            # OpenAI's and Google's limits of input stand beside those of output.
            context = max(context, longest) if provider not in ('openai', 'google') else context + longest
        else:
            context = listed_context or 131072
            longest = min(UNKNOWN_LONGEST, listed_longest or UNKNOWN_LONGEST, context)
        divisor = 2 if halved else 1
        return Limits(context // divisor, longest // divisor, found is not None, bool((found or {}).get('reasoning_output')))
