# Bare `make` lists the targets. A target that needs something sets it up itself.
VENV := .venv
PY := $(VENV)/bin/python
# What is shipped is made of Debian's Python: its static library, its shared library.
SYSTEM_PYTHON ?= /usr/bin/python3
SOURCES := $(shell find reaper -name '*.py') pyproject.toml
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/ready: pyproject.toml
	python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[ctl,test]'
	touch $@

.PHONY: packages
packages: $(VENV)/ready  ## install what the tests need from Debian (root)
	tests/packages.sh

.PHONY: lint
lint: $(VENV)/ready  ## ruff and mypy --strict
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

.PHONY: test
test: lint packages  ## everything: lint, unit, kernel and container tests
	$(PY) -m pytest

build/static/reaper: docker/static/build.py docker/static/main.c $(SOURCES)
	$(SYSTEM_PYTHON) -I docker/static/build.py $@

.PHONY: static
static: build/static/reaper  ## the init as one static file: build/static/reaper

build/bundle/venv/ready: docker/bundle/requirements.txt
	$(SYSTEM_PYTHON) -m venv build/bundle/venv
	build/bundle/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

build/bundle/reaper/reaper: build/bundle/venv/ready $(wildcard docker/bundle/*) $(SOURCES)
	PYTHONHASHSEED=0 build/bundle/venv/bin/pyinstaller --noconfirm --clean --log-level WARN \
		--distpath build/bundle --workpath build/bundle/work docker/bundle/bundle.spec

.PHONY: bundle
bundle: build/bundle/reaper/reaper  ## reaper and reaperctl over one interpreter: build/bundle/reaper/

.PHONY: clean
clean:  ## remove what the targets made
	rm -rf $(VENV) dist build
