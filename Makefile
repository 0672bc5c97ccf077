# All targets use .venv, which they create; nothing is installed outside this directory.
# Requires make, a shell, and Python 3.11, 3.12 or 3.13.

PYTHON ?= python3

BIN := .venv/bin
RUN := $(BIN)/python -m

.DEFAULT_GOAL := help
.PHONY: help install dev wheel serve demo test test-all test-jax attack chaos check format docs docs-serve bench \
  reproduce fuzz lock sbom audit image-test clean check-web vendor screenshots

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' Makefile | while read -r target text; do \
	  printf '  make %-10s %s\n' "$$target" "$$text"; done

install: .venv/.server ## Install the server and the command line into .venv

dev: .venv/.dev ## Install the server and the tools for tests and checks

wheel: .venv/.server ## Build the client and the command line as a wheel in ./dist
	@$(RUN) pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/stackyard-*.whl

serve: .venv/.server ## Run the server on http://127.0.0.1:8000 with its data in ./data
	@exec $(RUN) stackyard serve

demo: .venv/.server ## Start a server, train a network on a real dataset, and predict
	@exec $(BIN)/python examples/demo.py

test: .venv/.dev ## Run the tests; ARGS="-k worker" passes arguments on
	$(RUN) pytest $(ARGS)
	$(if $(ARGS),,KERAS_BACKEND=jax $(RUN) pytest -m "jax and not exhaustive" tests/worker)

test-all: .venv/.dev ## Run all tests, also the exhaustive ones
	$(RUN) pytest -m "" $(ARGS)
	$(if $(ARGS),,$(MAKE) test-jax ARGS='-m ""')

test-jax: .venv/.dev ## Run the tests of training, prediction and scripts on JAX; ARGS="-m exhaustive" passes arguments on
	KERAS_BACKEND=jax $(RUN) pytest $(addprefix tests/worker/,engine test_scripts.py test_prediction.py test_large_jobs.py keras_build/test_network.py) $(ARGS)

chaos: .venv/.dev ## Kill and disturb a server under load, and check its jobs; ARGS="kills --trials 300", ARGS=--help
	$(RUN) tests.chaos $(ARGS)

image-test: ## Build the image and run the compose file on a Docker engine of its own; needs root on Debian
	bash tests/image/run.sh . $(or $(WORK),/tmp/stackyard-image)

attack: .venv/.dev ## Attack a server, and check that it holds and answers others; ARGS="--database postgres", ARGS=--help
	$(RUN) tests.attacks $(ARGS)

check: .venv/.dev ## Check style, types and architecture
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) pyright
	$(BIN)/lint-imports
	$(RUN) tools.house

check-web: web/vendor/node_modules ## Check the types of the page; needs Node.js and npm
	web/vendor/node_modules/.bin/tsc --project web

vendor: web/vendor/node_modules ## Bundle the libraries of the page anew; needs Node.js and npm
	cd web/vendor && node build.mjs

screenshots: .venv/.dev ## Take pictures of every page of a running server; ARGS="http://127.0.0.1:8000 --out build", ARGS=--help
	$(RUN) tests.browser.screenshots $(ARGS)

format: .venv/.dev ## Format the code, and fix lint errors
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

docs: .venv/.dev ## Generate the reference pages, and build the documentation into site/
	$(RUN) docs.generators
	$(MKDOCS) build --strict --quiet

docs-serve: .venv/.dev ## Serve the documentation on http://127.0.0.1:8001, and build it anew at every change
	$(RUN) docs.generators
	$(MKDOCS) serve --dev-addr 127.0.0.1:8001

bench: .venv/.server ## Compare jobs with stock Keras; ARGS="steps --short" tries one benchmark, ARGS=--help lists all
	$(BIN)/python benchmarks/bench.py $(ARGS)

reproduce: .venv/.server ## Run the seven experiments with five seeds each, and compare them with their stock Keras scripts
	$(BIN)/python benchmarks/reproduction.py $(or $(SHARED),../shared)

fuzz: .venv/.dev ## Parse and check a million mutated specs
	$(BIN)/python benchmarks/fuzz.py

lock: .venv/.uv ## Update the pinned dependencies with hashes in requirements/
	$(COMPILE) --extra server --extra oidc --extra otel --output-file requirements/server.txt pyproject.toml
	$(COMPILE) --extra server --extra oidc --extra otel --group dev --constraints requirements/server.txt \
	  --output-file requirements/dev.txt pyproject.toml
	$(COMPILE) --extra server --extra oidc --extra otel --extra gpu --constraints requirements/server.txt \
	  --output-file requirements/gpu.txt pyproject.toml
	echo uv | { $(COMPILE) --output-file requirements/bootstrap.txt -; }
	printf 'cyclonedx-bom\npip-audit\n' | { $(COMPILE) --output-file requirements/audit.txt -; }

sbom: .venv/audit/.installed ## Write the server's packages as CycloneDX to dist/sbom.json
	@mkdir -p dist
	.venv/audit/bin/cyclonedx-py requirements --output-reproducible --of JSON --output-file dist/sbom.json \
	  requirements/server.txt

audit: .venv/audit/.installed ## Look for known vulnerabilities of the server's packages, online
	$(RUN) tools.audit .venv/audit/bin/pip-audit requirements/server.txt

clean: ## Remove .venv, site and the tools' caches, but not ./data
	rm -rf .venv .cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Without the variable, mkdocs-material advertises its successor at every build.
MKDOCS = NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs

# --- installation ---------------------------------------------------------------------------------------------

# uv is faster than pip, but does not read pip's configuration, so its index is set to pip's. If uv fails, pip installs.
# The cache is in .cache if the home directory is not writable. Byte code is compiled during the installation, because a
# worker that compiled tensorflow would start much later.
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

# $(call requirements,FILE): install exactly the packages that FILE pins, and verify their hashes
requirements = \
  $(UV) pip install --quiet --python $(BIN)/python --require-hashes -r $(1) || { \
    echo "uv failed; installing with pip, which takes longer"; \
    $(PIP) --require-hashes -r $(1); }
# Install the checkout itself; its build backend is among the requirements.
EDITABLE = \
  $(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . || \
    $(PIP) --no-deps --no-build-isolation -e .

web/vendor/node_modules: web/vendor/package-lock.json
	cd web/vendor && npm ci
	@touch $@

.venv/.python:
	@for python in "$(PYTHON)" python3.11 python3.12 python3.13; do \
	  if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
	    echo "creating .venv with $$("$$python" --version)"; \
	    "$$python" -m venv .venv || { \
	      echo "$$python cannot make virtual environments; on Debian and Ubuntu, install python3-venv" >&2; \
	      rm -rf .venv; exit 1; }; \
	    touch $@; exit 0; \
	  fi; \
	done; \
	echo "Stackyard needs Python 3.11, 3.12 or 3.13, but none is on the path. Run make PYTHON=/path/to/python" >&2; \
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

# These tools have an environment of their own, so that their dependencies do not restrict those of the server.
.venv/audit/.installed: .venv/.uv requirements/audit.txt
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python .venv/audit
	@$(UV) pip install --quiet --python .venv/audit/bin/python --require-hashes -r requirements/audit.txt
	@touch $@

.venv/.dev: .venv/.uv requirements/dev.txt pyproject.toml
	@echo "installing requirements/dev.txt"; $(call requirements,requirements/dev.txt)
	@$(EDITABLE)
	@touch $@ .venv/.server
