"""The screens in docs/reaperctl.md are what reaperctl prints."""

import runpy

from support import REPO

TOOL = runpy.run_path(str(REPO / "tools" / "screens.py"))
PAGE = TOOL["PAGE"].read_text()


def test_the_screens_are_real() -> None:
    assert TOOL["fill"](PAGE) == PAGE, "run `make man`"


def test_every_screen_is_such_a_one() -> None:
    assert len(TOOL["SCREEN"].findall(PAGE)) == PAGE.count("$ reaperctl ") >= 6
