# `make run` and `make test` need Python 3.11+, git and make. `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
UV := $(shell command -v uv 2>/dev/null)
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run install dev test check format lint types laws qa qa-long soak bench bench-store bench-tui \
	bench-router screenshots coverage lock clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## install what is missing, start the router, open the TUI
	@$(BIN)/workbench

install: $(STAMP) ## the environment, without the development tools

dev: $(DEV_STAMP) ## the environment, with the development tools

$(BIN)/python:
ifdef UV
	@$(UV) venv --quiet --python $(PYTHON) $(VENV)
else
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Python 3.11 or newer is needed; this is $$($(PYTHON) --version 2>&1)" >&2; \
	  echo "hint: make run PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
endif

# The dependencies are installed by hash, the project itself on top of them. The lists are complete, so nothing is
# resolved: a resolver that meets `coverage[toml]` looks past the pinned `coverage` for a newer one without a hash.
ifdef UV
INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
else
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing workbench into $(VENV) (about a minute the first time)" >&2
	@$(INSTALL) --no-deps --require-hashes -r constraints.txt
	@$(INSTALL) --no-deps -e .
	@$(BIN)/python -m compileall -q workbench  # what -e leaves out, and some environments never make up for
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(STAMP)
	@echo "installing the development tools" >&2
	@$(INSTALL) --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

test: $(DEV_STAMP) ## the tests (a few minutes); long ones are in `make qa-long`
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q -m "not slow and not net"

coverage: $(DEV_STAMP) ## the tests, with a coverage report
	@$(BIN)/python -m pytest -n $(WORKERS) -q -m "not slow and not net" --cov --cov-report=term --cov-report=html

format: $(DEV_STAMP) ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: $(DEV_STAMP)
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: $(DEV_STAMP)
	@$(BIN)/mypy

laws: $(DEV_STAMP)
	@$(BIN)/lint-imports

check: lint types laws ## format, lint, types, import laws

qa: $(DEV_STAMP) ## check, tests, then the whole road (logs/qa-*.log); QA_LONG=1, QA_NET=1 for more
	@BIN=$(BIN) scripts/qa_road.sh

qa-long: $(DEV_STAMP) ## the tests that take long: fuzzing, kill -9 many times, every recipe
	@$(BIN)/python -m pytest -q -m "slow and not net"

bench: $(DEV_STAMP) ## speed of router, start-up, TUI and store (100k), as ratios, in a few minutes
	@$(BIN)/python -m bench

bench-router: $(DEV_STAMP) ## router against its peers
	@$(BIN)/python bench/bench_router.py --peers

bench-store: $(DEV_STAMP) ## store at 1,000,000 exchanges
	@$(BIN)/python bench/bench_store.py --exchanges 1000000

bench-tui: $(DEV_STAMP) ## the TUI in a pseudo-terminal at 1,000,000 exchanges, its peers too
	@$(BIN)/python bench/bench_tui.py --exchanges 1000000 --peers

soak: $(DEV_STAMP) ## 15 minutes of mixed load; MINUTES=60 for longer
	@$(BIN)/python bench/soak.py --minutes $${MINUTES:-15}

screenshots: $(DEV_STAMP) ## the pictures in docs/img
	@$(BIN)/python scripts/screenshots.py

lock: ## write constraints.txt anew from a fresh environment
	@scripts/lock.sh

clean: ## caches and the environment; never the home's data
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache htmlcov .coverage .coverage.*
	@find workbench tests -name __pycache__ -type d -prune -exec rm -rf {} +
