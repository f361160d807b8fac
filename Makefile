# Roadstead's commands. `make run` and `make test` are all that a newcomer needs; both set up what they need first.
# Set-up leaves its stamps in .make/, so that it is instant until a requirement changes.

PYTHON ?= python3
DATA ?= data
LISTEN ?= 127.0.0.1:5000
ARGS ?=

BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV_VERSION := 0.13.8
COMPILE := .make/uv/bin/uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --universal --python-version 3.11

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run peers test check format bench soak lock clean

help: ## Show these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .make/run ## Set up what `make run` needs: a .venv with the pinned dependencies
	@echo 'setup: ready; make run starts the registry'

run: .make/run ## Start a registry on 127.0.0.1:5000 (LISTEN=…) with its data in ./data (DATA=…)
	@exec $(BIN)/roadstead serve --data $(DATA) --listen $(LISTEN) $(ARGS)

peers: ## Bring the real programs that the tests talk to (Debian packages, Go builds, npm)
	@$(PYTHON) -m tests.peers setup

test: .make/dev ## Set up what the tests need, real peers included, and run them (ARGS='-k push')
	@$(BIN)/python -m tests.peers setup
	@$(BIN)/python -m pytest $(ARGS)

check: .make/dev ## Formatter, linter, types and import contracts
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .make/dev ## Format the code and mend what the linter can mend
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

bench: .make/dev ## Compare this server's speed with distribution's, in one run
	@$(BIN)/python -m tests.peers setup
	@$(BIN)/python -m bench $(ARGS)

soak: .make/dev ## Run the hours-long tests: hundreds of kills, garbage collection under load
	@$(BIN)/python -m tests.peers setup
	@$(BIN)/python -m pytest -m soak --timeout=0 $(ARGS)

lock: .make/uv/done ## Write requirements/ anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(COMPILE) $(UPGRADE) pyproject.toml -o requirements/run.txt
	@$(COMPILE) $(UPGRADE) --extra dev pyproject.toml -o requirements/dev.txt
	@sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(COMPILE) --no-annotate - -o requirements/build.txt

clean: ## Remove the set-up (not your data, not the peers)
	rm -rf .venv .make build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.make/venv:
	@PYTHON='$(PYTHON)' sh requirements/venv.sh .venv
	@mkdir -p .make && touch $@

# The requirements are checked by their hashes; the package itself is installed with no dependency and, to need no
# unpinned builder, without pip's build isolation.
.make/run: .make/venv requirements/run.txt requirements/build.txt pyproject.toml
	@echo 'setup: installing the pinned dependencies'
	@$(PIP_INSTALL) --require-hashes -r requirements/build.txt -r requirements/run.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.make/dev: .make/run requirements/dev.txt
	@echo 'setup: installing what the tests need'
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

.make/uv/done: Makefile
	@$(PYTHON) -m venv .make/uv
	@.make/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@
