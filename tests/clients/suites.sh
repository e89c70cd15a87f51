#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The test suites that the openai and anthropic packages for Python and, where there is a go, for Go ship, through crd and
# straight to a provider: what differs is shown, by error, and what is not a refusal of crd's own but a broken connection,
# a time-out or a 5xx, fails.
# By hand: it fetches the packages into a directory of its own, and takes minutes.
#   tests/clients/suites.sh        the programs are looked for in $CRD_BUILD (default build/release)
#   OPENAI=3.57.0 ANTHROPIC=2.14.0 OPENAI_GO=v3.99.0 ANTHROPIC_GO=v1.84.0 other versions
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(cd "${CRD_BUILD:-build/release}" && pwd)
here=$PWD/tests/clients
export PATH="$build/apps/crd:$build/apps/crctl:$PATH"
openai=${OPENAI:-3.57.0} anthropic=${ANTHROPIC:-2.14.0} openai_go=${OPENAI_GO:-v3.99.0} anthropic_go=${ANTHROPIC_GO:-v1.84.0}

dir=$(mktemp -d /tmp/crd-suites.XXXXXX)
stop_all() {
  for one in $(jobs -p); do kill "$one" 2> /dev/null || true; done
  wait
  rm -rf "$dir"
}
trap stop_all EXIT

# The first line of the file $1 that holds $2, once the process $3 has written it.
await_line() {
  until grep -m 1 -- "$2" "$1"; do
    if ! kill -0 "$3" 2> /dev/null; then cat "$1" >&2; exit 1; fi
    sleep 0.1
  done
}

cd "$dir"
python3 -m venv venv
venv/bin/pip install -q hatchling hatch-fancy-pypi-readme
venv/bin/pip download -q --no-deps --no-binary :all: --no-build-isolation "openai==$openai" "anthropic==$anthropic"
for package in openai-*.tar.gz anthropic-*.tar.gz; do tar xf "$package"; done
venv/bin/pip install -q "openai[aiohttp]==$openai" "anthropic[aiohttp]==$anthropic" pytest pytest-asyncio pytest-timeout \
  pytest-xdist rich inline-snapshot dirty-equals respx 'http-snapshot[httpx]'
# The installed packages are what is tested; the key is ours.
rm -rf "openai-$openai/src" "anthropic-$anthropic/src"
sed -i 's/^api_key = .*/api_key = os.environ["TEST_API_KEY"]/' {"openai-$openai","anthropic-$anthropic"}/tests/conftest.py

node "$here/suite_provider.mjs" > provider.log &
provider=http://127.0.0.1:$(await_line provider.log listening $! | cut -d ' ' -f 2)
printf 'listen = ["127.0.0.1:0"]\nstate_dir = "%s/state"\nadmin_socket = "%s/admin.sock"\n' "$dir" "$dir" > crd.toml
crd --config crd.toml 2> crd.log &
await_line crd.log ' ready' $! > ready
router=http://127.0.0.1:$(sed -n 's/.* listening .*address=127\.0\.0\.1:\([0-9]*\).*/\1/p' crd.log | head -n 1)
export CRCTL_SOCKET=$dir/admin.sock
for kind in openai anthropic; do
  echo upstream-key | crctl channel create "$kind" --kind "$kind" --models '*' --base-url "$provider/v1" --allow-private --key-stdin
done
TEST_API_KEY=$(crctl token create suites)
export TEST_API_KEY

# run NAME DIRECTORY BASE-URL FILES...: pytest's own result does not matter, only what differs.
run() {
  local name=$1 base=$3
  (cd "$2" && shift 3 && TEST_API_BASE_URL=$base "$dir/venv/bin/python" -m pytest -n 0 -q --timeout 60 --tb=line \
    -p no:cacheprovider -p no:logging --junit-xml "$dir/$name.xml" "$@" | tail -n 1) || true
}
of=tests/api_resources
openai_files=($of/chat/test_completions.py $of/responses $of/test_{completions,embeddings,files,images,models,moderations,responses}.py
  $of/audio/test_{speech,transcriptions,translations}.py)
anthropic_files=($of/test_{messages,models}.py $of/beta/test_{messages,models}.py $of/messages)
run openai.direct "openai-$openai" "$provider/v1" "${openai_files[@]}"
run openai.crd "openai-$openai" "$router/v1" "${openai_files[@]}"
run anthropic.direct "anthropic-$anthropic" "$provider" "${anthropic_files[@]}"
run anthropic.crd "anthropic-$anthropic" "$router" "${anthropic_files[@]}"

# go_suite NAME MODULE PLACEHOLDER PROVIDER ROUTER: its tests of what crd serves, one after another on kept connections.
go_suite() {
  local name=$1
  cp -r "$(go mod download -json "$2" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')" "$name"
  chmod -R u+w "$name"
  grep -rlF TEST_API_BASE_URL --include='*_test.go' "$name" | xargs grep -l '^	"os"' | xargs sed -i "s/\"$3\"/os.Getenv(\"TEST_API_KEY\")/"
  for way in direct crd; do
    (cd "$name" && TEST_API_BASE_URL=$([ "$way" = direct ] && echo "$4" || echo "$5") SKIP_MOCK_TESTS=false go test -json -p 1 -parallel 1 \
      -count 1 -timeout 600s -run '^Test(Chat|Completion|Embedding|Image|Model|Moderation|Response|Audio|Message|BetaMessage)' \
      . $([ -d "$name/responses" ] && echo ./responses) > "$dir/$name.$way.json" 2> "$dir/$name.$way.err") || true
  done
}
suites=(openai anthropic)
if command -v go > /dev/null; then
  go_suite openai_go "github.com/openai/openai-go/${openai_go%%.*}@$openai_go" 'My API Key' "$provider/v1" "$router/v1"
  go_suite anthropic_go "github.com/anthropics/anthropic-sdk-go@$anthropic_go" my-anthropic-api-key "$provider" "$router"
  suites+=(openai_go anthropic_go)
fi

venv/bin/python - "${suites[@]}" << 'END'
import collections, json, os, re, sys, xml.etree.ElementTree as tree
def outcomes(name):
    if os.path.exists(name + '.json'):
        said = collections.defaultdict(str)
        for event in map(json.loads, open(name + '.json')):
            test = event.get('Package'), event.get('Test')
            if not test[1]: continue
            if event['Action'] == 'output' and ': ' in event['Output'] and not event['Output'].startswith(('=', '-')):
                said[test] += event['Output'].strip() + ' '
            if event['Action'] in ('pass', 'fail'): yield test, (said[test] or 'failed') if event['Action'] == 'fail' else ''
        return
    for case in tree.parse(name + '.xml').iter('testcase'):
        failed = [one.get('message', '') for one in case if one.tag in ('failure', 'error')]
        yield (case.get('classname'), case.get('name')), failed[0] if failed else ''
bad = 0
for suite in sys.argv[1:]:
    direct, through = dict(outcomes(suite + '.direct')), dict(outcomes(suite + '.crd'))
    errors = collections.Counter(re.sub(r'req_\w+', 'ID', error.splitlines()[0])[:200]
                                 for test, error in through.items() if error and not direct.get(test))
    print(f'{suite}: {len(through)} tests, {sum(not e for e in direct.values())} pass straight, '
          f'{sum(not e for e in through.values())} through crd; only through crd:')
    for error, count in errors.most_common(): print(f'{count:6} {error}')
    bad += sum(bool(re.search(r'Connection|Protocol|Time-?out|Internal|code: 5', error)) for error in through.values())
sys.exit(f'{bad} tests found a broken connection, a time-out or a 5xx' if bad else 0)
END
