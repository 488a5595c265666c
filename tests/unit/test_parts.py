"""tools/parts.sh: the parts of `make test`, with a stand-in for make that obeys a part's name."""

import re
import subprocess
from pathlib import Path

import pytest
from builds import FORMS
from support import REPO

# As make: quiet options first, then the words of the part.
MAKE = (
    '#!/bin/sh\nshift\necho "made $*"\ncase $1 in fails) exit 2 ;; waits) kill -INT $PPID ;; esac\n'
)


def parts(folder: Path, *words: str) -> tuple[int, list[str], str]:
    """(exit code, the lines from the table on, the output before the table)."""
    make = folder / "make"
    make.write_text(MAKE)
    make.chmod(0o755)
    done = subprocess.run(
        [REPO / "tools" / "parts.sh", *words],
        env={"MAKE": str(make), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    before, _, table = done.stdout.rpartition("\n\n")
    return (
        done.returncode,
        [re.sub(r"\s+\d+:\d\d\s*", " T ", row) for row in table.splitlines()],
        before,
    )


def test_every_part_is_made_in_order_and_timed(tmp_path: Path) -> None:
    code, table, before = parts(tmp_path, "lint", "kernel FORM=static")
    assert (code, table) == (0, ["lint T ", "kernel FORM=static T ", "total T "])
    assert re.findall("^made (.*)", before, re.M) == ["lint", "kernel FORM=static"]


@pytest.mark.parametrize(
    ("part", "code", "how"), [("fails", 1, "failed"), ("waits", 130, "stopped")]
)
def test_the_first_that_fails_ends_it_with_the_table(
    tmp_path: Path, part: str, code: int, how: str
) -> None:
    ended, table, before = parts(tmp_path, "lint", f"{part} FORM=x", "unit")
    assert ended == code
    assert table == [
        "lint T ", f"{part} FORM=x T {how}", "total T ", f"{how}; again: make {part} FORM=x"
    ]  # fmt: skip
    assert "made unit" not in before


def test_make_test_has_every_part_once_in_every_form() -> None:
    words = ["make", "test", "MAKE=true"]
    done = subprocess.run(words, cwd=REPO, capture_output=True, text=True, check=True)
    made = re.findall("^== make (.*)", done.stdout, re.M)
    assert len(made) == len(set(made))
    assert {"lint", "unit", "packages", "forms", "kernel FORM=all"} < set(made)
    for form in FORMS:
        assert {f"kernel FORM={form}", f"container FORM={form}"} < set(made)
    assert made[-1] == "container"
