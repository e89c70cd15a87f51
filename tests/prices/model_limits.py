# SPDX-License-Identifier: MIT
"""What models take at most, by models.dev, installed by scripts/deps.sh: the list has its limits only where they are longer than
those of its other sources, and no page of the vendor says otherwise."""
import dataclasses
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROFILES = ROOT / 'build' / 'model-limits'
sys.path.insert(0, str(ROOT / 'scripts' / 'prices'))

from limits import PACKAGES, ModelsDev  # noqa: E402

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
        self.table = ModelsDev.read(PROFILES)
        self.profiles = self.table.profiles
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
