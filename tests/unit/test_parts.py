"""tools/parts.py: the parts of `make test`, with a stand-in for make that obeys a part's name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from builds import FORMS
from support import REPO

# Like make: a quiet option first, then the words of the part. Two parts `calls A B` and
# `answers A B` end only if they run at the same time: the fifo A carries a line from one to the
# other, and B carries one back.
MAKE = """#!/bin/sh
shift
echo "made $*"
case $1 in
fails) exit 2 ;;
waits) kill -INT $PPID ;;
calls) cd "$FOLDER" && echo >"$2" && read -r _ <"$3" ;;
answers) cd "$FOLDER" && read -r _ <"$2" && echo >"$3" ;;
esac
echo "end $*"
"""


def parts(folder: Path, *words: str) -> tuple[int, list[str], list[str]]:
    """(exit code, the lines from the table on, the lines before the table)."""
    make = folder / "make"
    make.write_text(MAKE)
    make.chmod(0o755)
    done = subprocess.run(
        [sys.executable, REPO / "tools" / "parts.py", *words],
        env={"MAKE": str(make), "PATH": "/usr/bin:/bin", "FOLDER": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    before, _, table = done.stdout.rpartition("\n\n")
    rows = [re.sub(r"\s+\d+:\d\d", " T", row) for row in table.splitlines()]
    return done.returncode, rows, before.splitlines()


def made(lines: list[str]) -> list[str]:
    return [line.removeprefix("made ") for line in lines if line.startswith("made ")]


def test_every_part_is_made_in_order_and_timed(tmp_path: Path) -> None:
    code, table, before = parts(tmp_path, "lint", "kernel FORM=static")
    assert (code, table) == (0, ["lint T", "kernel FORM=static T", "total T"])
    assert made(before) == ["lint", "kernel FORM=static"]


@pytest.mark.parametrize(
    ("part", "code", "how"), [("fails", 1, "failed"), ("waits", 130, "stopped")]
)
def test_the_first_that_fails_ends_it_with_the_table(
    tmp_path: Path, part: str, code: int, how: str
) -> None:
    ended, table, before = parts(tmp_path, "lint", f"{part} FORM=x", "unit")
    assert ended == code
    assert table == [
        "lint T", f"{part} FORM=x T  {how}", "total T", f"{how}; again: make {part} FORM=x"
    ]  # fmt: skip
    assert "unit" not in made(before)


def test_groups_run_side_by_side_after_the_first(tmp_path: Path) -> None:
    for name in "ab":
        os.mkfifo(tmp_path / name)
    code, table, before = parts(
        tmp_path, "lint", "--", "calls a b", "last", "--", "answers a b", "--"
    )
    assert code == 0
    assert table[0] == "lint T"
    assert sorted(table[1:]) == ["answers a b T", "calls a b T", "last T", "total T"]
    assert before.index("end lint") < before.index("== make calls a b (begins; its output follows)")
    for part in ("calls a b", "answers a b"):  # the output of a part is in one piece
        at = before.index(f"== make {part}")
        assert before[at + 1 : at + 3] == [f"made {part}", f"end {part}"]


def test_a_failure_lets_the_other_group_end_what_it_began(tmp_path: Path) -> None:
    for name in "ab":
        os.mkfifo(tmp_path / name)
    code, table, before = parts(
        tmp_path, "--", "calls a b", "fails", "never", "--", "answers a b", "unit", "fails too"
    )
    assert code == 1
    assert table[-1] in ("failed; again: make fails", "failed; again: make fails too")
    assert "never" not in made(before)
    assert {"end calls a b", "end answers a b"} < set(before)


def test_make_test_has_every_part_once_in_every_form() -> None:
    words = ["make", "--no-print-directory", "test", "MAKE=true"]
    done = subprocess.run(words, cwd=REPO, capture_output=True, text=True, check=True)
    parts = re.findall(r"^== make (.*?)(?: \(begins.*)?$", done.stdout, re.M)
    assert {"lint", "unit", "packages", "forms", "kernel FORM=all", "container"} < set(parts)
    for form in FORMS:
        assert {f"kernel FORM={form}", f"container FORM={form}"} < set(parts)
    table = done.stdout.rpartition("\n\n")[2].splitlines()
    assert sorted(set(parts)) == sorted(row.rsplit(maxsplit=1)[0] for row in table[:-1])
