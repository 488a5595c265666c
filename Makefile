# Bare `make` lists the targets. A target that needs something sets it up itself.
VENV := .venv
PY := $(VENV)/bin/python

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

.PHONY: demo
demo:  ## the zombie leak with and without reaper, live; needs nothing but Python and unshare
	python3 -m reaper.demo

.PHONY: clean
clean:  ## remove what the targets made
	rm -rf $(VENV) dist build
