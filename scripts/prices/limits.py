# SPDX-License-Identifier: MIT
"""How long a model's answer and its context can be. A vendor's page counts; where none is entered the larger of what the sources tell
stands: a request without a bound is held for the longest answer and sent on as it is, so that one listed too short is overrun, while
a bound that is too long is refused once and learnt."""
import pathlib
import re
import runpy

import vendors
from sources import DATED

MODELS_DEV = 'models.dev'

# Whose package of model profiles knows a provider's models, and, where that is a seller of others', its name for their maker.
PACKAGES = {
    'openai': ('langchain_openai', ''), 'anthropic': ('langchain_anthropic', ''), 'google': ('langchain_google_genai', ''),
    'mistral': ('langchain_mistralai', ''), 'groq': ('langchain_groq', ''), 'x-ai': ('langchain_xai', ''),
    'deepseek': ('langchain_deepseek', ''), 'openrouter': ('langchain_openrouter', ''), 'zai': ('langchain_openrouter', 'z-ai/'),
    'moonshotai': ('langchain_openrouter', 'moonshotai/'), 'minimax': ('langchain_openrouter', 'minimax/'),
    'qwen': ('langchain_openrouter', 'qwen/'), 'cohere': ('langchain_openrouter', 'cohere/'),
    'perplexity': ('langchain_openrouter', 'perplexity/')}


def short_name(model):
    return model.rsplit('/', 1)[-1].lower()


class ModelsDev:
    """models.dev's table, as far as LangChain's packages carry it (model-limits.txt): files of data, none of them is imported."""

    def __init__(self, profiles):
        self.profiles = profiles
        self.anyones = {}
        for package in profiles.values():
            for name, profile in package.items():
                self.anyones.setdefault(short_name(name), []).append(profile)

    @classmethod
    def read(cls, directory):
        names = sorted({package for package, _ in PACKAGES.values()})
        files = {name: pathlib.Path(directory) / name / 'data' / '_profiles.py' for name in names}
        missing = next((path for path in files.values() if not path.exists()), None)
        if missing:
            raise SystemExit(f'{missing} is not there: run scripts/deps.sh test')
        return cls({name: runpy.run_path(str(path))['_PROFILES'] for name, path in files.items()})

    def of_seller(self, provider, model):
        """What a seller's own model of this very name takes."""
        package, maker = PACKAGES.get(provider, ('', ''))
        profiles = self.profiles.get(package, {})
        return profiles.get(maker + model) or profiles.get((maker + model).lower()) or {}

    def of_anyone(self, model, alike):
        """What takes the longest answer of the models of this very name, whoever sells them; `alike`: or of the name without a date."""
        name = short_name(model)
        found = self.anyones.get(name) or (self.anyones.get(re.sub(DATED, '', name)) if alike else None)
        return max(found or [], key=lambda profile: profile.get('max_output_tokens') or 0, default={})


class Limits:
    """Each answer is the tokens and who says so: a page, MODELS_DEV, or None for the packages that have the prices."""

    def __init__(self, litellm, models_dev):
        self.litellm, self.models_dev = litellm, models_dev
        self.longer = []  # where models.dev's stands: (provider, model, what, litellm's or genai-prices', models.dev's)

    def longest(self, sellers, told, told_context):
        """The longest answer: vendors.OF_CONTEXT where nothing but the context bounds it, None where no source tells. `sellers` are
        (provider, name), the first of them the row's; what is told is of those names."""
        model = sellers[0][1]
        documented = next((row for row in vendors.LONGEST if re.search(row[0], model)), None)
        if documented:
            return documented[1], documented[2]
        alike = not told
        if alike or len(sellers) > 1:
            told = max(told or 0, self.litellm.most('max_output_tokens', model) or 0)
        # A longest answer that no source tells is none: then the default is held, and written into the request. So is it where
        # litellm has the context for want of another.
        if not told or told == told_context:
            return vendors.OF_CONTEXT if told else None, None
        found = [self.models_dev.of_seller(*seller) for seller in sellers]
        found.append(self.models_dev.of_anyone(model, alike) if not any(found) else {})
        return self.larger(sellers[0], 'longest answer', told, max(profile.get('max_output_tokens') or 0 for profile in found))

    def context(self, sellers, told):
        """The context, of input and answer together or of input alone, as the sources have it."""
        documented = next((row for row in vendors.CONTEXTS if re.search(row[0], sellers[0][1])), None)
        if documented:
            return documented[1], documented[2]
        theirs = max(self.models_dev.of_seller(*seller).get('max_input_tokens') or 0 for seller in sellers)
        return self.larger(sellers[0], 'context', told, theirs) if told else (None, None)

    def larger(self, seller, what, told, theirs):
        if theirs <= told:
            return told, None
        self.longer.append((*seller, what, told, theirs))
        return theirs, MODELS_DEV
