# One command for each habit; every step leaves a stamp, so that a second call is quick.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)
# Node packages of all projects share one folder, so that a clone needs no copy.
export YARN_ENABLE_GLOBAL_CACHE := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1

TOPIC ?= how does a Jupyter server keep its users apart?
TESTS ?= tests
# A file at a time in each of two processes: most tests wait for servers, kernels and browsers.
WORKERS ?= 2
PYTEST := python -m pytest -n $(WORKERS) --dist loadfile
LAB_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) \
	$(wildcard labextension/package.json labextension/yarn.lock labextension/tsconfig.json labextension/styles.mjs)
DOCS := $(shell find docs -name '*.md')
SHARE := $(VENV)/share/jupyter/labextensions/jupyter-research-lab

.PHONY: help run test quick golden lab library check format bench soak docs pictures clean chromium

help: ## show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: $(VENV)/.built $(VENV)/.library ## install, gather the example library, run one session on it offline
	jupyter research run --in-process --yes --wait --source examples/library "$(TOPIC)"

test: $(VENV)/.built $(VENV)/.test $(VENV)/.proxy chromium ## run every test, those in the browser too
	$(PYTEST) $(TESTS)

quick: $(VENV)/.built $(VENV)/.test ## run the tests that need neither browser nor time
	$(PYTEST) -m "not browser and not live and not slow" $(TESTS)

lab: $(VENV)/.built $(VENV)/.library ## open JupyterLab on the first example
	jupyter lab $$([ "$$(id -u)" = 0 ] && echo --allow-root) examples/01_first_report.ipynb

library: $(VENV)/.built $(VENV)/.library ## fill examples/library/ with documents of the installed packages

golden: $(VENV)/.built $(VENV)/.test ## write the golden reports anew; read what then differs
	GOLDEN=write python -m pytest tests/test_golden.py

check: $(VENV)/.built $(VENV)/.check ## look for what ruff, mypy and tsc find, and for open routes
	ruff check .
	ruff format --check .
	mypy
	python .ci/check_auth.py
	cd labextension && jlpm run -T tsc --noEmit

format: $(VENV)/.check ## put the code into its form
	ruff check --fix .
	ruff format .

bench: $(VENV)/.built $(VENV)/.test $(VENV)/.bench ## measure what benchmarks/ measures
	missed=; for script in benchmarks/*.py; do echo "== $$script"; \
	  case $$script in */library.py | */reports.py) folder="$(SCIFACT)";; */papers.py) folder="$(PAPERS)";; *) folder=;; esac; \
	  python "$$script" $$folder || missed="$$missed $$script"; done; \
	if [ -n "$$missed" ]; then echo "These missed an aim, or failed:$$missed" >&2; exit 1; fi

soak: $(VENV)/.built $(VENV)/.test ## kill servers and kernels at work for half an hour, and try every route with nonsense
	for cpus in 1 2; do KILLS=30 CPUS=$$cpus python -m pytest tests/test_kills.py tests/test_durability.py; done
	SOAK=$${SOAK:-1200} python tests/soak.py
	NONSENSE=$${NONSENSE:-600} python -m pytest tests/test_nonsense.py

docs: $(VENV)/.docs ## build the documentation into build/docs
	mkdocs build --strict --site-dir build/docs

pictures: $(VENV)/.built $(VENV)/.test chromium ## take the pictures in the README and of the card anew
	python -m pytest tests/browser/test_gallery.py tests/browser/test_chat_model.py tests/browser/test_main_way.py
	mkdir -p docs/images/card
	cp test-results/pictures/card/900/*-light.png test-results/pictures/card/900/*-dark.png docs/images/card/
	cp test-results/pictures/chat-model/approval.png docs/images/chat-model.png
	cp test-results/pictures/report.png docs/images/first-report.png

clean: ## remove what the other commands made
	rm -rf $(VENV) build dist examples/library examples/results .pytest_cache .mypy_cache .ruff_cache \
	  jupyter_research/labextension jupyter_research/static labextension/lib labextension/*.tsbuildinfo \
	  labextension/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Editable, so that a change of the Python code needs no step; JupyterLab's part is built below.
$(VENV)/.installed: pyproject.toml jupyter_research/_version.py jupyter-config/jupyter_server_config.d/jupyter_research.json | $(BIN)/python
	SKIP_JUPYTER_BUILDER=1 python -m pip install --quiet -e . "jupyterlab>=4.6" ipywidgets
	touch $@

$(VENV)/.built: $(LAB_SOURCES) $(VENV)/.installed
	cd labextension && jlpm install --immutable && jlpm build:prod
	rm -rf $(SHARE) && mkdir -p $(dir $(SHARE))
	cp -r jupyter_research/labextension $(SHARE) && cp labextension/install.json $(SHARE)/
	touch $@

$(VENV)/.test: $(VENV)/.installed
	SKIP_JUPYTER_BUILDER=1 python -m pip install --quiet -e ".[test]"
	touch $@

# The proxy of the JupyterHub that tests start.
$(VENV)/.proxy: | $(BIN)/python
	npm install --silent --no-save --prefix $(VENV)/lib/proxy "configurable-http-proxy@^5"
	ln -sf ../lib/proxy/node_modules/.bin/configurable-http-proxy $(BIN)/configurable-http-proxy
	touch $@

$(VENV)/.check: $(VENV)/.test
	SKIP_JUPYTER_BUILDER=1 python -m pip install --quiet -e ".[check]"
	touch $@

$(VENV)/.bench: $(VENV)/.installed
	SKIP_JUPYTER_BUILDER=1 python -m pip install --quiet -e ".[bench]"
	touch $@

$(VENV)/.docs: $(VENV)/.installed
	SKIP_JUPYTER_BUILDER=1 python -m pip install --quiet -e ".[docs]"
	touch $@

$(VENV)/.library: examples/gather.py $(DOCS) $(VENV)/.installed
	python examples/gather.py
	touch $@

# Root installs it; others say INSTALL=1, or install it themselves.
chromium:
	@for name in "$${CHROMIUM:-chromium}" chromium-browser google-chrome; do \
	  if command -v "$$name" >/dev/null; then exit 0; fi; done; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif [ "$${INSTALL:-}" = 1 ]; then sudo=sudo; \
	else echo "The browser tests need Chromium: run 'sudo apt-get install chromium', or 'make test INSTALL=1', or 'make quick' without them." >&2; exit 1; fi; \
	$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium
