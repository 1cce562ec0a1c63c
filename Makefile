# The few commands that people type. CMake does the work; see CMakePresets.json for its presets.
PREFIX  ?= /usr/local
DESTDIR ?=
JOBS    ?= $(shell nproc)

.PHONY: all release debug fuzz setup run test bench install uninstall clean

all: release

setup:
	@scripts/setup

release debug fuzz: setup
	@cmake --preset $@ --log-level=WARNING >/dev/null
	@[ -t 1 ] || quiet=--quiet; cmake --build --preset $@ --parallel $(JOBS) -- $$quiet

run: release
	@scripts/deps npm
	@examples/spam_filter/run

test: release debug fuzz
	@scripts/deps python npm airflow argo stepfunctions
	@ctest --preset debug --parallel $(JOBS)

bench: release
	@scripts/deps python
	@/usr/bin/python3 tests/bench/run.py --bin build/release/bin

install:
	@test -x build/release/bin/wfc || { echo "run make first" >&2; exit 1; }
	@DESTDIR='$(DESTDIR)' cmake --install build/release --prefix '$(PREFIX)' >/dev/null

uninstall:
	@DESTDIR='$(DESTDIR)' scripts/uninstall build/release/install_manifest.txt

clean:
	@rm -rf build
