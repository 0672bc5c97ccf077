# Everything runs from .venv, which these targets make; nothing is installed outside this directory.
# It needs make, a shell and Python 3.11, 3.12 or 3.13.

PYTHON ?= python3

BIN := .venv/bin
RUN := $(BIN)/python -m

.DEFAULT_GOAL := help
.PHONY: help install dev serve demo test chaos check format docs docs-serve bench reproduce fuzz lock clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' Makefile | while read -r target text; do \
	  printf '  make %-10s %s\n' "$$target" "$$text"; done

install: .venv/.server ## Install the server and the command line into .venv

dev: .venv/.dev ## Install what tests and checks need, too

serve: .venv/.server ## Run the server on http://127.0.0.1:8000 with its data in ./data
	@exec $(RUN) stackyard serve

demo: .venv/.server ## Train a network on a real dataset, from the server's start to predictions
	@exec $(BIN)/python examples/demo.py

test: .venv/.dev ## Run the tests; ARGS="-k worker" passes arguments on
	$(RUN) pytest $(ARGS)

chaos: .venv/.dev ## Kill, stop and starve a server under load, and judge it; ARGS="kills --trials 300", ARGS=--help
	$(RUN) tests.chaos $(ARGS)

check: .venv/.dev ## Check style, types and architecture
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) pyright
	$(BIN)/lint-imports
	$(RUN) tools.house

format: .venv/.dev ## Bring the code into its form
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

docs: .venv/.dev ## Generate the reference pages, and build the documentation into site/
	$(RUN) docs.generators
	$(MKDOCS) build --strict --quiet

docs-serve: .venv/.dev ## Serve the documentation on http://127.0.0.1:8001, and build it anew at every change
	$(RUN) docs.generators
	$(MKDOCS) serve --dev-addr 127.0.0.1:8001

bench: .venv/.server ## Measure jobs beside stock Keras; ARGS="steps --short" tries one part, ARGS=--help has all
	$(BIN)/python benchmarks/bench.py $(ARGS)

reproduce: .venv/.server ## Run the seven experiments over five seeds, beside their own scripts of stock Keras
	$(BIN)/python benchmarks/reproduction.py $(or $(SHARED),../shared)

fuzz: .venv/.dev ## Read and check a million specs that are broken in every way
	$(BIN)/python benchmarks/fuzz.py

lock: .venv/.uv ## Pin every dependency anew, with hashes, in requirements/
	$(COMPILE) --extra server --output-file requirements/server.txt pyproject.toml
	$(COMPILE) --extra server --group dev --constraints requirements/server.txt \
	  --output-file requirements/dev.txt pyproject.toml
	$(COMPILE) --extra server --extra gpu --constraints requirements/server.txt \
	  --output-file requirements/gpu.txt pyproject.toml
	echo uv | { $(COMPILE) --output-file requirements/bootstrap.txt -; }

clean: ## Remove .venv, site and the tools' caches; ./data stays
	rm -rf .venv .cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Without the variable, mkdocs-material advertises its successor at every build.
MKDOCS = NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs

# --- installation ---------------------------------------------------------------------------------------------

# uv is several times as fast as pip, but does not read pip's configuration: it is told pip's index, and where it
# fails all the same, pip does the work. Its cache goes into .cache where the home directory cannot be written. Byte
# code is made at once: a worker that had to compile tensorflow would take ten seconds longer to start.
UV_SETTINGS = \
  cache="$${UV_CACHE_DIR:-$${XDG_CACHE_HOME:-$${HOME:-/nonexistent}/.cache}/uv}"; \
  mkdir -p "$$cache" 2>/dev/null && [ -w "$$cache" ] || cache="$$PWD/.cache/uv"; \
  export UV_CACHE_DIR="$$cache" UV_NO_PROGRESS=1 UV_COMPILE_BYTECODE=1; \
  index="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(RUN) pip config get global.index-url 2>/dev/null || true)}}"; \
  [ -z "$$index" ] || export UV_DEFAULT_INDEX="$$index"
UV = $(UV_SETTINGS); $(BIN)/uv
PIP = $(RUN) pip install --quiet --disable-pip-version-check --no-input
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-annotate

# $(call requirements,FILE): exactly what FILE pins, every file's hash verified
requirements = \
  $(UV) pip install --quiet --python $(BIN)/python --require-hashes -r $(1) || { \
    echo "uv did not succeed; installing with pip, which takes longer"; \
    $(PIP) --require-hashes -r $(1); }
# The checkout itself; its build backend is among the requirements.
EDITABLE = \
  $(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . || \
    $(PIP) --no-deps --no-build-isolation -e .

.venv/.python:
	@for python in "$(PYTHON)" python3.11 python3.12 python3.13; do \
	  if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
	    echo "making .venv with $$("$$python" --version)"; \
	    "$$python" -m venv .venv || { \
	      echo "$$python cannot make virtual environments; on Debian and Ubuntu, install python3-venv" >&2; \
	      rm -rf .venv; exit 1; }; \
	    touch $@; exit 0; \
	  fi; \
	done; \
	echo "Stackyard needs Python 3.11, 3.12 or 3.13, and there is none on the path. make PYTHON=/path/to/python" >&2; \
	exit 1

.venv/.uv: .venv/.python requirements/bootstrap.txt
	@$(PIP) --require-hashes -r requirements/bootstrap.txt
	@touch $@

.venv/.server: .venv/.uv requirements/server.txt pyproject.toml
	@if [ -e .venv/.dev ] && [ ! requirements/dev.txt -nt .venv/.dev ] && [ ! pyproject.toml -nt .venv/.dev ] \
	  && [ ! requirements/server.txt -nt .venv/.dev ]; then touch $@; exit 0; fi; \
	echo "installing requirements/server.txt"; $(call requirements,requirements/server.txt)
	@$(EDITABLE)
	@touch $@

.venv/.dev: .venv/.uv requirements/dev.txt pyproject.toml
	@echo "installing requirements/dev.txt"; $(call requirements,requirements/dev.txt)
	@$(EDITABLE)
	@touch $@ .venv/.server
