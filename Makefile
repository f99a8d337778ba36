# Every target that a person calls has a comment behind two hashes; `make` lists them.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3.15 python3,$(shell command -v $(name))))
VENV := .venv
BIN := $(VENV)/bin
NODE := tools/node/node_modules/.bin
PYTEST_OPTIONS ?=
# Two for each processor: many tests wait for programs that they start.
PYTEST_WORKERS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help quickstart sandbox test test-slow check style types layers document check-generated lines regenerate lock pictures soak bench bench-peers build clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, and none is on PATH" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11; call: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@# Debian has the module and, in another package, what it needs; half an environment would be taken for one.
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The installation checks every file against the hash in the lock; the package itself is installed in place.
$(VENV)/.quickstart: requirements/quickstart.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes -r requirements/quickstart.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.quickstart

$(VENV)/.bench: requirements/bench.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes -r requirements/bench.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.dev $(VENV)/.quickstart

tools/node/node_modules/.installed: tools/node/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js with npm is needed for the document's linters, pyright and axios" >&2; exit 1; }
	npm ci --prefix tools/node --no-audit --no-fund --loglevel=error
	@touch $@

quickstart: $(VENV)/.quickstart ## install, start the sandbox, and walk through the vendor's quickstart on it (QUICKSTART="--help" for its options)
	@$(BIN)/python examples/quickstart.py $(QUICKSTART)

sandbox: $(VENV)/.quickstart ## start a local tenant and print the environment to export (SANDBOX="--help" for its options)
	@$(BIN)/krebit-sandbox $(SANDBOX)

test: $(VENV)/.dev ## the tests, but for the slow ones (PYTEST_OPTIONS="-k pages" for some)
	$(BIN)/pytest -n $(PYTEST_WORKERS) -m "not slow" $(PYTEST_OPTIONS)

test-slow: $(VENV)/.dev ## the slow tests
	$(BIN)/pytest -n $(PYTEST_WORKERS) -m slow $(PYTEST_OPTIONS)

# Whoever has edited generated/ by hand is told so first: its other checks would speak of other files.
check: check-generated style types layers document lines ## all that can be checked without running the tests

style: $(VENV)/.dev ## ruff, and that the tree names no machine
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/check_words.py

types: $(VENV)/.dev tools/node/node_modules/.installed ## mypy --strict and pyright
	$(BIN)/mypy overlay/krebit sandbox/krebit_sandbox generated/krebit_api
	$(BIN)/mypy tests examples tools bench
	$(NODE)/pyright

layers: $(VENV)/.dev ## that each part imports only what stands below it
	$(BIN)/lint-imports

document: $(VENV)/.dev tools/node/node_modules/.installed ## openapi.yaml by our own rules and by the public linters
	$(BIN)/python tools/check_document.py --linters

check-generated: $(VENV)/.dev ## that generated/ is what openapi.yaml says; names each file that is not
	$(BIN)/python tools/regenerate.py --check

lines: $(VENV)/.dev ## the lines of code of each room, for a person to look at
	$(BIN)/python tools/count_lines.py

regenerate: $(VENV)/.dev ## write generated/ anew from openapi.yaml
	$(BIN)/python tools/regenerate.py

lock: $(VENV)/.dev ## resolve the requirements anew, with hashes
	$(BIN)/python tools/lock.py

pictures: $(VENV)/.dev ## the pictures of the command line, in docs/pictures
	$(BIN)/python tools/pictures.py

soak: $(VENV)/.dev ## many processes on one login for ten minutes (SOAK="--seconds 30 --store postgres" for less, and elsewhere)
	$(BIN)/python tools/soak.py $(SOAK)

bench: $(VENV)/.dev ## speed, as ratios to a reference in the same run
	$(BIN)/python -m bench $(BENCH)

bench-peers: $(VENV)/.bench ## the same, with other libraries beside us
	$(BIN)/python -m bench $(BENCH)

build: $(VENV)/.dev ## the wheel and the source distribution, in dist/
	$(BIN)/python -m hatchling build

clean: ## remove what was installed and built
	rm -rf $(VENV) tools/node/node_modules build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
