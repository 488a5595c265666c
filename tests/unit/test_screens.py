"""The screens in the README and in docs/reaperctl.md are what reaperctl prints."""

import runpy
from pathlib import Path

import pytest
from support import REPO

TOOL = runpy.run_path(str(REPO / "tools" / "screens.py"))
each_page = pytest.mark.parametrize("page", TOOL["PAGES"], ids=lambda page: page.name)


@each_page
def test_the_screens_are_real(page: Path) -> None:
    text = page.read_text()
    assert TOOL["fill"](text) == text, "run `make man`"


@each_page
def test_every_screen_is_such_a_one(page: Path) -> None:
    text = page.read_text()
    assert len(TOOL["SCREEN"].findall(text)) == text.count("$ reaperctl ") >= 1
