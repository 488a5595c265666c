# `make` without a target lists the targets. Each target builds what it needs. Only test, kernel,
# container, bench, bench-quick and packages install Debian packages; a build that lacks a package
# names it.
VENV := .venv
PY := $(VENV)/bin/python
# The static file and the bundle are built from this Python, Debian's.
SYSTEM_PYTHON ?= /usr/bin/python3
# The architecture of the static file, if it is not this machine's: for example aarch64-linux-gnu.
MULTIARCH ?=
SOURCES := $(shell find reaper -name '*.py' -o -path '*/completion/*') pyproject.toml
# Works in a clone owned by another user.
GIT := git -c safe.directory='*'
export SOURCE_DATE_EPOCH ?= $(shell $(GIT) log -1 --format=%ct 2>/dev/null || echo 0)

# make deletes a file that could not be finished. It builds the targets of a list one after another,
# because a later one may need an earlier one.
.DELETE_ON_ERROR:
.NOTPARALLEL:

# If something that a target needs is missing, this says so in one line, with the Debian package.
NEEDS := PYTHON=$(SYSTEM_PYTHON) tools/needs.sh

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/ready: pyproject.toml
	@tools/needs.sh python
	python3 -c 'import ensurepip' 2>/dev/null || tests/packages.sh python3-venv
	python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[test,release]'
	touch $@

.PHONY: packages
packages: $(VENV)/ready  ## install what the tests need from Debian (root)
	tests/packages.sh

.PHONY: lint
lint: $(VENV)/ready  ## check with ruff and mypy --strict
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

.PHONY: man
man: $(VENV)/ready  ## bring the manual pages, completion and screens up to date with the program
	$(PY) tools/manual.py
	$(PY) tools/completion.py
	$(PY) tools/screens.py

# Each part is a call of make, so that a part that failed can be run again alone. The kernel tests and
# the container tests run side by side: each kind alone leaves one of two cores idle.
.PHONY: test
test:  ## run everything: lint, unit, kernel and container tests, with the time of each part
	@tools/needs.sh python
	+@MAKE='$(MAKE)' $(PARTS_OF) lint unit packages forms \
		-- $(foreach form,$(FORMS) all,'kernel FORM=$(form)') test-debian-short \
		-- container $(foreach form,$(FORMS),'container FORM=$(form)')
PARTS_OF := python3 tools/parts.py

# For the next three targets: FORM is the form of the init, ARGS holds more words for pytest:
# ARGS='-x -k grace'.
FORM :=
ARGS :=
FORMS := source static bundle wheel zipapp
ifneq ($(filter-out $(FORMS) all,$(FORM)),)
$(error FORM=$(FORM) is not a form of the init: say one of $(FORMS))
endif
PYTEST := $(PY) -m pytest -q
# The words for pytest: ARGS and, unless ARGS names a file of the folder, the folder of tests.
within = $(if $(findstring tests/$(1),$(ARGS)),,tests/$(1)) $(ARGS)

# BUILT_x is the target that builds the form x. BUILT_all is for the tests that start several forms.
BUILT_static := build/static/reaper
BUILT_bundle := build/bundle/reaper/reaper
BUILT_wheel := build/forms/ready
BUILT_zipapp := build/zipapp/reaper.pyz
BUILT_all := forms

# MARKED_x says which tests run with FORM=x. With any other form these are the tests that every form has
# to pass.
MARKED_source := not all_forms
MARKED_all := all_forms
MARKED = $(or $(MARKED_$(FORM)),every_form)

.PHONY: unit
unit: $(VENV)/ready  ## tests of the decisions (seconds, any user); ARGS='-k grace'
	$(PYTEST) $(call within,unit)

.PHONY: kernel
kernel: FORM := $(or $(FORM),source)
kernel: packages $(BUILT_$(FORM))  ## tests that start the init (root); FORM=static ARGS='-k grace'
	REAPER_TEST_FORM=$(FORM:all=source) $(PYTEST) -m '$(MARKED)' $(call within,kernel)

.PHONY: container
container: packages $(BUILT_$(or $(FORM),all))  ## tests in containers (root); FORM=bundle: with that form
	REAPER_TEST_FORM=$(FORM) $(PYTEST) --containers $(FORM:%=-m every_form) $(call within,container)

# SUITE is another Debian: 12 if this machine is Debian 13, else 13. PARTS is what is tested there.
IN_SUITE = tests/debian.sh $(SUITE) make
SUITE := $(if $(shell grep -s CODENAME=trixie /etc/os-release),bookworm,trixie)
PARTS := lint unit packages forms $(foreach form,$(FORMS) all,'kernel FORM=$(form)')

.PHONY: test-debian
test-debian: $(VENV)/ready  ## lint, unit and kernel tests on another SUITE of Debian (root); PARTS=lint
	@AGAIN="$(IN_SUITE)" MAKE="$(IN_SUITE)" $(PARTS_OF) $(PARTS)

# A minute of these tests, for `make test`.
.PHONY: test-debian-short
test-debian-short: $(VENV)/ready
	$(IN_SUITE) unit
	$(IN_SUITE) kernel ARGS='$(SHORT)'
	$(IN_SUITE) kernel FORM=static ARGS='$(SHORT)'
SHORT := tests/kernel/test_exec.py tests/kernel/test_reaping.py

.PHONY: demo
demo:  ## show the zombie leak beside clean reaping, live; needs only the system's Python
	@$(NEEDS) python unshare
	@$(SYSTEM_PYTHON) -m reaper.demo $(DEMO)

.PHONY: bench
bench: packages forms  ## measure beside tini, dumb-init and catatonit: tables with ratios
	$(PY) tests/bench/init.py --page docs/bench.md --out docs
	$(PY) tests/bench/forms.py
	$(PY) tests/bench/ctl.py

.PHONY: bench-quick
bench-quick: packages $(BUILT_static)  ## the init alone, in about a minute: build/bench/
	$(PY) tests/bench/init.py --quick

# Write $(1) into the target. If the target contains it already, leave it alone: its time must not
# change.
stamp = @mkdir -p build; echo "$(1)" | cmp -s - $@ || echo "$(1)" >$@

# build/inputs changes if a build uses other tools or other source files, because the times of files do
# not show that.
INPUTS := $(SYSTEM_PYTHON) $(MULTIARCH) $(CC) $(LAUNCHER_CC) $(sort $(SOURCES))
build/inputs: FORCE
	$(call stamp,$(INPUTS))

# Both builds depend on these. Their code objects hold no column numbers, because no source is there
# for a traceback to show.
LINK := Makefile build/inputs docker/cpython.py docker/no-unwind.ld

build/static/reaper: $(wildcard docker/static/*.* docker/static/lean/*) $(LINK) $(SOURCES)
	@$(NEEDS) python
	$(SYSTEM_PYTHON) -I -X no_debug_ranges docker/static/build.py $(MULTIARCH:%=--multiarch %) $@

.PHONY: static
static: build/static/reaper  ## the init as one static file: build/static/reaper

build/bundle/venv/ready: docker/bundle/requirements.txt
	@$(NEEDS) python venv
	$(SYSTEM_PYTHON) -m venv build/bundle/venv
	build/bundle/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

build/bundle/reaper/reaper: build/bundle/venv/ready $(wildcard docker/bundle/*.*) $(LINK) $(SOURCES)
	@$(NEEDS) strip objdump
	PYTHONHASHSEED=0 PYTHONNODEBUGRANGES=1 build/bundle/venv/bin/pyinstaller \
		--noconfirm --clean --log-level WARN --distpath build/bundle/reaper \
		--workpath build/bundle/work docker/bundle/bundle.spec

.PHONY: bundle
bundle: build/bundle/reaper/reaper  ## reaper and reaperctl with one interpreter: build/bundle/reaper/

# The folder /opt/reaper of the images: the bundle, with the static init in place of the bundle's own.
build/opt/reaper/reaper: tools/release.py LICENSE build/static/reaper build/bundle/reaper/reaper
	rm -rf build/opt build/opt.new && mkdir build/opt.new
	cp -a build/bundle/reaper build/opt.new/reaper
	cp build/static/reaper build/opt.new/reaper/reaper
	$(SYSTEM_PYTHON) -I tools/release.py licences build/opt.new/reaper build/bundle/venv \
		build/opt.new/reaper/LICENCES.txt
	mv build/opt.new build/opt

.PHONY: folder
folder: build/opt/reaper/reaper  ## /opt/reaper as the images have it: build/opt/reaper/

build/zipapp/reaper.pyz: tools/release.py build/inputs $(SOURCES)
	@$(NEEDS) python
	$(SYSTEM_PYTHON) -I tools/release.py zipapp $@

.PHONY: zipapp
zipapp: build/zipapp/reaper.pyz  ## the init for any Python 3.11+ in one file: build/zipapp/reaper.pyz

VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' reaper/__init__.py)
WHEEL := build/wheel/reaper_init-$(VERSION)-py3-none-any.whl

# build/epoch changes with the commit: it holds the time that goes into the archives.
build/epoch: FORCE
	$(call stamp,$(SOURCE_DATE_EPOCH))
.PHONY: FORCE

$(WHEEL): $(VENV)/ready build/epoch $(SOURCES) \
		$(wildcard $(shell $(GIT) ls-files --cached --others --exclude-standard 2>/dev/null))
	rm -rf $(@D)
	$(PY) -m build --no-isolation --outdir $(@D) . >/dev/null

.PHONY: wheel
wheel: $(WHEEL)  ## the wheel and the sdist: build/wheel/

# A virtual environment that has the wheel: the tests start its commands.
build/forms/ready: $(WHEEL)
	@$(NEEDS) python venv
	rm -rf build/forms && mkdir -p build/forms
	$(SYSTEM_PYTHON) -m venv build/forms/wheel
	build/forms/wheel/bin/pip install --quiet --disable-pip-version-check $(WHEEL)
	touch $@

.PHONY: installed
installed: build/forms/ready  ## the wheel in a virtual environment, as the tests start it

.PHONY: forms
forms: folder zipapp installed  ## every form, as the tests start them

ARCH := $(shell dpkg --print-architecture 2>/dev/null || uname -m)
RELEASE := reaper-$(VERSION)-linux-$(ARCH)

.PHONY: release
release: folder zipapp wheel  ## put everything that is published, and nothing else, into dist/
	rm -rf dist && mkdir dist
	cp build/static/reaper dist/$(RELEASE)
	cp build/zipapp/reaper.pyz dist/reaper-$(VERSION).pyz
	cp build/wheel/* dist
	$(SYSTEM_PYTHON) -I tools/release.py tar build/opt dist/$(RELEASE).tar.gz
	cp build/opt/reaper/LICENCES.txt dist
	$(PY) -W ignore -m cyclonedx_py requirements --output-reproducible --pyproject pyproject.toml \
		docker/bundle/requirements.txt -o dist/reaper-$(VERSION).cdx.json
	$(SYSTEM_PYTHON) -I tools/release.py sbom build/opt/reaper dist/reaper-$(VERSION).cdx.json
	$(SYSTEM_PYTHON) -I tools/release.py sums dist

.PHONY: clean
clean:  ## remove everything that the targets made
	rm -rf $(VENV) dist build
