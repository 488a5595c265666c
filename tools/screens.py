#!/usr/bin/env python3
"""Fill in the screens of README.md and docs/reaperctl.md. Run `make man` when the output changes.

A screen is a code block that begins with `$ reaperctl`. All screens show one recorded container,
whose entrypoint never waits for its children.
"""

import io
import os
import re
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
PAGES = (REPO / "README.md", REPO / "docs" / "reaperctl.md")
RECORDED = REPO / "tests" / "data" / "proc" / "leak" / "proc"
SCREEN = re.compile(r"(?<=^```\n)\$ reaperctl (.*)\n[^`]*(?=^```$)", re.MULTILINE)

sys.path.insert(0, str(REPO))
from reaper.inspector.cli import main  # noqa: E402


def screen(words: str) -> str:
    """A command line and what it prints on 80 columns."""
    os.environ["COLUMNS"] = "80"
    with redirect_stdout(io.StringIO()) as out:
        main([*shlex.split(words), "--root", str(RECORDED), "--color", "never"])
    return f"$ reaperctl {words}\n{out.getvalue()}"


def fill(page: str) -> str:
    """The page, with every screen as reaperctl prints it now."""
    return SCREEN.sub(lambda match: screen(match[1]), page)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(fill(page.read_text()))
