"""The forms of the init as the tests start them: built, and not older than what they are built of.

The Makefile says what a form is built of. Here it is asked, so that no test runs what was built of
other sources, or waits for what is not there.
"""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent

# Not the one of a virtual environment: other users must be able to run it.
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
SCRIPT = [PYTHON, "-I", "-S"]

FORMS = ("source", "static", "bundle", "wheel", "zipapp")

# What is built -> the Makefile's target for it, and the file that is there when it is done.
TARGETS = {
    "static": ("static", "build/static/reaper"),
    "bundle": ("bundle", "build/bundle/reaper/reaper"),
    "folder": ("folder", "build/opt/reaper/reaper"),  # as the images have it: with the static init
    "wheel": ("installed", "build/forms/ready"),
    "zipapp": ("zipapp", "build/zipapp/reaper.pyz"),
}


class NotBuilt(pytest.fail.Exception):
    """A form is not there or is too old; the report is this one line."""

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
    """The file of `TARGETS` that is there when it is built; NotBuilt where it is to be built."""
    target, file = TARGETS[name]
    if reason := outdated(file, prerequisites(file)):
        raise NotBuilt(reason, target)
    return REPO / file


def outdated(file: str, rules: dict[str, list[str]], root: Path = REPO) -> str:
    """Why make would make a file anew, as one clause; empty where it would not.

    What is compared is the time of the last change, as make does. A file that no longer exists
    changes nothing: it is another one then that names it.
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
    """Target -> what it is made of: make's own data base, for the files below build/.

    Who edits a test wants to run it: that the tests are in the sdist makes no wheel too old.
    """
    words = ["make", "--print-data-base", "--question", file]
    database = subprocess.run(words, cwd=REPO, capture_output=True, text=True, check=False).stdout
    rules = {}
    for line in database.splitlines():
        target, colon, rest = line.partition(": ")
        if colon and target.startswith("build/") and " " not in target:
            rules[target] = [name for name in rest.split() if not name.startswith("tests/")]
    return rules
