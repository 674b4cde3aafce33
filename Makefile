# Every verb does its own set-up; a stamp under .build says what is done.
# Needs Python >= 3.11, a Rust tool chain, a C compiler and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EDGE := edge/target/release/port443-edge
EDGE_SOURCES := edge/Cargo.toml edge/Cargo.lock $(shell find edge/crates -name target -prune -o \( -name '*.rs' -o -name Cargo.toml \) -print)
PYTEST_ARGS ?=
# `--quick`, `--rows http1,full`, `--peer nginx=/path/to/nginx`, …: bench/run.py --help
BENCH_ARGS ?=
# The time that one fuzz target gets in `make prove`.
FUZZ_SECONDS ?= 600
# One part of `make prove` alone: `--only stable`, `--only soak`, …
PROVE_ARGS ?=
# How long `make prove` soaks the whole in mixed load.
SOAK_SECONDS ?= 600

.PHONY: help setup demo demo-acme test lint fmt types test-python test-rust contract bench prove docs wheels lock clean

help:
	@echo "make demo    a site on TLS with two sample backends, graded; ONCE=1 ends by itself"
	@echo "make demo-acme  the same, with its certificate ordered from a pebble that is started for it"
	@echo "make test    lint, types, Python tests, Rust tests"
	@echo "make lint · fmt · types · contract · bench · prove · docs · wheels · lock · clean"

setup: .build/venv $(BIN)/port443-edge

demo: setup
	@$(BIN)/port443 demo $(if $(ONCE),--once)

demo-acme: setup .build/clients
	@$(BIN)/python packaging/pebble/demo.py $(if $(ONCE),--once)

test: setup .build/clients
	@$(MAKE) --no-print-directory lint types test-rust test-python

lint: .build/venv
	$(BIN)/ruff format --check src tests bench contract docs
	$(BIN)/ruff check src tests bench contract docs
	cd edge && cargo fmt --check
	cd edge && cargo clippy --locked --all-targets --quiet -- -D warnings

fmt: .build/venv
	$(BIN)/ruff format src tests bench contract docs
	$(BIN)/ruff check --fix src tests bench contract docs
	cd edge && cargo fmt

types: .build/venv
	$(BIN)/mypy

test-rust:
	cd edge && cargo test --locked --quiet

test-python: setup .build/clients
	$(BIN)/pytest -n 2 --durations=10 $(PYTEST_ARGS)

contract: .build/venv
	$(BIN)/python contract/build.py

bench: setup .build/clients
	$(BIN)/python bench/run.py $(BENCH_ARGS)
	$(if $(BENCH_ARGS),,$(BIN)/python bench/scanners.py)
	$(if $(BENCH_ARGS),,PYTHONPATH=tests/helpers $(BIN)/python bench/issuance.py)

prove: setup .build/clients
	PYTHONPATH=tests:tests/helpers:bench $(BIN)/python tests/prove/run.py --fuzz-seconds $(FUZZ_SECONDS) --soak-seconds $(SOAK_SECONDS) $(PROVE_ARGS)

docs: setup
	$(BIN)/python docs/build.py .build/docs

wheels: setup
	$(BIN)/python -m hatchling build -t wheel -d dist
	cd edge && ../$(BIN)/maturin build --release --locked --out ../dist

lock: .build/venv
	for set in dev run; do \
	  $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	    --no-emit-index-url --no-emit-find-links --output-file requirements/$$set.lock requirements/$$set.in; \
	done

clean:
	rm -rf .build $(VENV) dist edge/target bench/load/target .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up ---------------------------------------------------------------------------------------

.build/venv: requirements/dev.lock pyproject.toml src/port443/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "port443 needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
	@echo "· setting up $(VENV) from requirements/dev.lock"
	@$(PYTHON) -m venv $(VENV) || { sh packaging/system-packages.sh python3-venv && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p .build && touch $@

$(EDGE): $(EDGE_SOURCES)
	@command -v cargo >/dev/null || { echo "port443 needs a Rust tool chain (cargo) to build its edge"; exit 1; }
	@echo "· building port443-edge (the first time takes some minutes)"
	cd edge && cargo build --release --locked
	@touch $@

$(BIN)/port443-edge: $(EDGE) .build/venv
	@install -m 755 $(EDGE) $@

# Clients that the tests speak to the edge with; what cannot be installed skips its tests with a reason.
.build/clients: packaging/system-packages.sh packaging/h2spec/go.sum packaging/pebble/go.sum
	@sh packaging/system-packages.sh curl openssl gnutls-bin chromium libnss3-tools || true
	@if command -v go >/dev/null; then \
	  go build -C packaging/h2spec -o ../../.build/bin/h2spec github.com/summerwind/h2spec/cmd/h2spec && \
	  go build -C packaging/pebble -o ../../.build/bin/ tool; \
	fi || echo "· not installed: h2spec, pebble (their tests are skipped)"
	@mkdir -p .build && touch $@
