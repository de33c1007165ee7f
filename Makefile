# The front door: each target does its own set-up. `make demo` and `make test` work on a bare Debian 12.
BUILD ?= build
PREFIX ?= /usr/local
JOBS := $(shell nproc)

.PHONY: all install demo bench test test-full check-style clean distclean help

all: $(BUILD)/.ready
	@ninja -C $(BUILD) -j $(JOBS) --quiet gradroute

help:
	@sed -n 's/^## //p' Makefile

## make            build the command, build/gradroute
## make install    command, man page, library, headers and recipes under PREFIX (/usr/local), below DESTDIR if set
## make demo       train, remove, measure: the main job on WordNet; it says how long it will take before it begins
## make bench      training speed against PyTorch and its own bound; results go to bench/results (GRADROUTE_PEERS: scripts)
## make test       every quick test, plain and under sanitizers (under 10 minutes)
## make test-full  also the slow ones: many kills and resumes, a minute of fuzzing per format
## make check-style  layers, names, comments, format, lines of documents, places of deliberate faults

install: all
	@{ meson configure $(BUILD) -Dprefix="$(PREFIX)" && ninja -C $(BUILD) -j $(JOBS); } >$(BUILD)/.install 2>&1 || \
		{ cat $(BUILD)/.install >&2; exit 1; }
	@DESTDIR="$(abspath $(DESTDIR))" meson install -C $(BUILD) --no-rebuild --quiet

demo: all
	@tools/setup.sh demo
	@$(BUILD)/gradroute audit recipes/demo.yaml -o runs/demo

bench: all
	@tools/setup.sh bench || echo "Without PyTorch its rows are skipped." >&2
	@mkdir -p bench/results
	@ninja -C $(BUILD) -j $(JOBS) --quiet gradroute-bench
	@$(BUILD)/gradroute-bench --csv bench/results

test:
	@tools/setup.sh test
	@tools/run-tests.sh quick

test-full:
	@tools/setup.sh full
	@tools/run-tests.sh full

check-style:
	@tools/setup.sh test
	@tools/layers.py && tools/identifiers.py && tools/readable.py && tools/names.py && \
		tools/mutants.py --check && tools/format.sh && tools/wrap.py

# Configured once; again when a source file appears or goes.
$(BUILD)/.ready: meson.build meson_options.txt FORCE
	@tools/setup.sh build
	@tools/configure.sh $(BUILD)

FORCE:

clean:
	@rm -rf $(BUILD)

distclean: clean
	@rm -rf build-* runs
