"""The manual pages have everything that the tables have, and mandoc finds no fault in them."""

import re
import runpy
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from support import REPO

from reaper.events import EVENTS, FIELDS, LOG_EVENTS
from reaper.init.options import _SHORTHANDS, _VERBOSE, REPEATABLE, SHOW, TABLE
from reaper.inspector.commands import COMMANDS
from reaper.signals import POLICY

MANUAL = runpy.run_path(str(REPO / "tools" / "manual.py"))
PAGES: list[Path] = MANUAL["PAGES"]
REAPER, REAPERCTL = (page.read_text() for page in PAGES)


def heads(page: str, macro: str) -> set[str]:
    """The heads of the page's list items that are marked with this macro."""
    words = [line.split() for line in page.splitlines() if line.startswith(".It ")]
    return {after for line in words for mark, after in pairwise(line) if mark == macro}


def lines(page: str, head: str) -> str:
    """The text of the item with this head."""
    _, _, found = page.partition(f"\n.It {head}\n")
    return found.partition("\n.It ")[0].partition("\n.El")[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_says_what_the_tables_say(page: Path) -> None:
    assert MANUAL["fill"](page.read_text()) == page.read_text(), "run `make man`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_is_clean(page: Path) -> None:
    command = ["mandoc", "-T", "lint", "-W", "warning", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_names_every_option_and_no_other() -> None:
    known = {f"--{option.name}" for option in TABLE} | {f"-{option.letter}" for option in TABLE}
    known |= {*_SHORTHANDS, *_VERBOSE, *SHOW}
    assert heads(REAPER, "Fl") == {word[1:] for word in known - {"-"}}


def test_names_every_variable() -> None:
    assert heads(REAPER, "Ev") == {option.variable for option in TABLE}


def test_marks_what_is_repeatable() -> None:
    for option in TABLE:
        letter = f"Fl {option.letter} , " if option.letter else ""
        head = f"{letter}Fl -{option.name} Ar {option.metavar}".removesuffix(" Ar ")
        assert ("repeatable" in lines(REAPER, head)) == (option.name in REPEATABLE)


@pytest.mark.parametrize(("name", "action"), [row[:2] for row in POLICY])
def test_says_what_is_done_with_a_signal(name: str, action: str) -> None:
    assert name in lines(REAPER, f"Sy {action}").replace(".", " ").replace(",", " ").split()


@pytest.mark.parametrize("event", EVENTS)
def test_names_every_event_and_its_fields(event: str) -> None:
    said = re.findall(r"\w+", lines(REAPER, f"Ic {event}").partition("Fields:")[2])
    assert {field for group in EVENTS[event] for field in group} <= set(said)


def test_names_every_event_of_the_log() -> None:
    assert heads(REAPER, "Li") == set(LOG_EVENTS)


def test_names_every_field() -> None:
    assert heads(REAPER, "Va") == set(FIELDS)


def test_names_every_command() -> None:
    assert heads(REAPERCTL, "Cm") == set(COMMANDS)
