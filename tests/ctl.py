"""Shared by the tests of reaperctl: run a command line in this process, look into a namespace."""

import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from reaper.inspector.cli import main

AGE = re.compile(r"\b(?:\d+[dhms]){1,2}(?= (?:ago|old|in\b)|, in\b)")


def reaperctl(*words: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of one command line."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as leaving:
            assert isinstance(leaving.code, int)
            code = leaving.code
    return code, out.getvalue(), err.getvalue()


def rows(*words: str) -> list[dict[str, Any]]:
    """The rows of a view."""
    code, out, err = reaperctl(*words, "--json")
    assert code in (0, 1), err
    found: list[dict[str, Any]] = json.loads(out)["rows"]
    return found


def root(pid: int) -> str:
    """The /proc that a process sees."""
    return f"/proc/{pid}/root/proc"


def findings(*words: str) -> str:
    """What doctor says, one line a sentence, ages replaced."""
    _, out, err = reaperctl("doctor", "--wide", *words)
    assert not err
    return AGE.sub("AGE", out)
