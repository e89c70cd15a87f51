# SPDX-License-Identifier: MIT
# Thin: each target calls cmake or a script. `make` alone lists them.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
# Most tests wait more than they work.
TEST_JOBS ?= $(shell echo $$((2 * $(JOBS))))
ROUNDS ?= 1000
# For each of the fuzzers; a seed makes two runs alike, 0 none.
FUZZ_SECONDS ?= 600
SEED ?= 0
RELEASE := build/release
LAUNCHER := $(if $(shell command -v ccache),-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
# `sudo make install` builds as whoever owns the tree.
OWNER := scripts/as_owner.sh
SOURCES = $(shell git ls-files 'lib/*.cpp' 'apps/*.cpp' 'tests/*.cpp')
FORMATTED = $(SOURCES) $(shell git ls-files 'lib/*.h' 'apps/*.h' 'tests/*.h' 'tests/*.c')

.PHONY: help deps deps-test configure configure-test build demo run test test-asan test-asan-programs test-asan-everything test-tsan test-threads fuzz soak soak-load bench install uninstall deb clean format lint

help:
	@echo 'make deps       install what building needs; make deps-test: what tests, benchmarks and lint need, too (packages'
	@echo '                of Debian, npm and PyPI). The others call the one that they need'
	@echo 'make build      build crd and crctl into $(RELEASE)'
	@echo 'make demo       build, then show a first session: a token, two calls, the usage'
	@echo 'make run        build, then run crd in the foreground, its state in build/state'
	@echo 'make test       build, then run every test; test-asan, test-tsan: the same under sanitizers; test-threads: the'
	@echo '                tests of what threads share under the thread sanitizer; test-asan-programs: those that drive programs;'
	@echo '                test-asan-everything: those with our code in them, with every check of the undefined-behaviour sanitizer'
	@echo 'make soak       build, then a thousand rounds of killing crd under load (ROUNDS=1000)'
	@echo 'make soak-load  build, then an hour of 1,000 requests a second: what crd holds, minute by minute (MINUTES=60)'
	@echo 'make fuzz       build, then run each fuzzer for ten minutes (FUZZ_SECONDS=600)'
	@echo 'make bench      CPU a request of crd beside nginx'
	@echo 'make install    build, then install into $$DESTDIR$$PREFIX (PREFIX=$(PREFIX)); make uninstall: take that away again'
	@echo 'make deb        build, then make a Debian package, build/deb/*.deb'
	@echo 'make format     format the sources; make lint: check format and run clang-tidy; make clean: remove build/'

deps:
	@scripts/deps.sh

deps-test:
	@scripts/deps.sh test

# With or without the tests: what is compiled of the programs is the same, and serves for both.
configure: deps
	@$(OWNER) mkdir -p build
	@$(OWNER) sh -c 'cmake --preset release -DCR_TESTS=OFF $(LAUNCHER) > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }'

configure-test: deps-test
	@mkdir -p build
	@cmake --preset release $(LAUNCHER) > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }

build: configure
	@$(OWNER) cmake --build --preset release -j $(JOBS) --target crd crctl man

demo: build
	@scripts/demo.sh

run: build
	@mkdir -p -m 700 build/state
	@echo 'In another terminal: export CRCTL_SOCKET=$(CURDIR)/build/state/admin.sock; $(CURDIR)/$(RELEASE)/apps/crctl/crctl status'
	@STATE_DIRECTORY=$(CURDIR)/build/state RUNTIME_DIRECTORY=$(CURDIR)/build/state $(RELEASE)/apps/crd/crd

test: configure-test
	@cmake --build --preset release -j $(JOBS)
	@ctest --preset release -j $(TEST_JOBS)

# The tests that drive programs are the release build's: they are told where the sanitized programs are.
# Only those about what threads share: test-threads.
test-asan test-tsan: test-%: configure-test
	@tests/sanitized.sh $* $(JOBS) $(TEST_JOBS) $(LAUNCHER)

test-asan-programs: configure-test
	@PROGRAMS=1 tests/sanitized.sh asan $(JOBS) $(TEST_JOBS) $(LAUNCHER)

test-asan-everything: configure-test
	@EVERYTHING=1 tests/sanitized.sh asan $(JOBS) $(TEST_JOBS) $(LAUNCHER)

test-threads: configure-test
	@THREADS=1 tests/sanitized.sh tsan $(JOBS) $(TEST_JOBS) $(LAUNCHER)

fuzz: deps-test
	@cmake --preset fuzz $(LAUNCHER)
	@cmake --build --preset fuzz -j $(JOBS)
	@JOBS=$(JOBS) SEED=$(SEED) tests/fuzz/run.sh build/fuzz $(FUZZ_SECONDS)

soak: configure-test
	@cmake --build --preset release -j $(JOBS) --target kill_loop_test crd crctl
	@CR_KILL_ROUNDS=$(ROUNDS) $(RELEASE)/tests/integration/kill_loop_test

soak-load: configure-test
	@cmake --build --preset release -j $(JOBS) --target bench_load bench_upstream crd crctl
	@tests/bench/soak.sh $(RELEASE)

bench: configure-test
	@cmake --build --preset release -j $(JOBS)
	@tests/bench/run.sh $(RELEASE)

install: build
	@scripts/install.sh install '$(PREFIX)'

uninstall:
	@scripts/install.sh uninstall '$(PREFIX)'

deb: build
	@packaging/deb/build.sh

clean:
	@rm -rf build

format:
	@clang-format -i $(FORMATTED)

lint:
	@clang-format --dry-run -Werror $(FORMATTED)
	@scripts/lint.sh $(JOBS)
