"""The forms of the init that the tests start. A form must be built, and not older than its sources.

The Makefile knows the sources of a form. This module asks make for them, so that no test runs a
form of older sources or waits for a form that is not built.
"""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent

# Not the Python of a virtual environment, because other users must be able to run it.
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
SCRIPT = [PYTHON, "-I", "-S"]

FORMS = ("source", "static", "bundle", "wheel", "zipapp")

# What is built -> the Makefile's target for it, and the file that exists when it is built.
TARGETS = {
    "static": ("static", "build/static/reaper"),
    "bundle": ("bundle", "build/bundle/reaper/reaper"),
    "folder": ("folder", "build/opt/reaper/reaper"),  # as in the images: with the static init
    "wheel": ("installed", "build/forms/ready"),
    "zipapp": ("zipapp", "build/zipapp/reaper.pyz"),
}


class NotBuilt(pytest.fail.Exception):
    """A form is not built or is too old. pytest reports this one line and no more."""

    def __init__(self, line: str, target: str) -> None:
        super().__init__(f"{line}: run `make {target}`", pytrace=False)


def command(form: str) -> list[str]:
    """The command line of the init in this form."""
    if form == "source":
        return [*SCRIPT, str(REPO / "reaper" / "__main__.py")]
    file = built(form)
    if form == "wheel":
        return [str(file.parent / "wheel" / "bin" / "reaper")]
    return [*SCRIPT, str(file)] if form == "zipapp" else [str(file)]


@cache
def built(name: str) -> Path:
    """The file of `TARGETS` that exists when it is built. Raises NotBuilt if it must be built."""
    target, file = TARGETS[name]
    if reason := outdated(file, prerequisites(file)):
        raise NotBuilt(reason, target)
    return REPO / file


def outdated(file: str, rules: dict[str, list[str]], root: Path = REPO) -> str:
    """Why make would make a file anew, as one clause; empty if it would not.

    Like make, it compares the times of the last change. A source that no longer exists is skipped:
    the file that named it has changed, too.
    """
    if not (root / file).exists():
        return f"{file} is not built"
    for other in rules.get(file, ()):
        if reason := outdated(other, rules, root) if other in rules else "":
            return reason
        if (root / other).exists() and newer(root / other, root / file):
            return f"{file} is older than {other}"
    return ""


def newer(one: Path, other: Path) -> bool:
    return one.stat().st_mtime_ns > other.stat().st_mtime_ns


@cache
def prerequisites(file: str) -> dict[str, list[str]]:
    """Target -> its prerequisites, from make's own database, for the files in build/.

    The tests are left out, although they are in the sdist: an edited test must not make the wheel
    too old, because whoever edits a test wants to run it.
    """
    words = ["make", "--print-data-base", "--question", file]
    database = subprocess.run(words, cwd=REPO, capture_output=True, text=True, check=False).stdout
    rules = {}
    for line in database.splitlines():
        target, colon, rest = line.partition(": ")
        if colon and target.startswith("build/") and " " not in target:
            rules[target] = [name for name in rest.split() if not name.startswith("tests/")]
    return rules
