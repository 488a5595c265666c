"""tests/bench/init.py: it gives every row of a real init. No test says anything about a time."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support import REPO, reaper

sys.path.append(str(REPO / "tests" / "bench"))
import init
from measures import MEASURES, QUICK, Init

SMALLEST = replace(
    QUICK.with_rounds(1),
    starts=2, terms=4, signals=20, rt_signals=50, orphans=50, steady=50, beside_live=5,
    live_share=0.01, burst=20, ends=2, idle=0.1, reaps=50,
)  # fmt: skip
TINI = init.init("tini")
PROGRAM = str(REPO / "tests" / "bench" / "init.py")


def test_every_row_of_this_init_and_of_tini_is_measured() -> None:
    ours = Init("ours", reaper("--"), init.TALKATIVE)
    figures = init.measure([ours, TINI], MEASURES, SMALLEST)
    assert not figures.failures
    rows = [row for kind in MEASURES for row in kind.rows]
    assert set(figures.values) == {row.key for row in rows}
    for row in rows:
        for program in ("ours", "tini"):
            assert len(figures.told(row, program)) == 1, (row.key, program)
    text = init.section(figures, rows, SMALLEST, ["A note."])
    assert all(row.title in text for row in rows)
    assert "Linux" in text and "A note." in text


def test_this_init_loses_no_real_time_signal() -> None:
    kind = next(kind for kind in MEASURES if kind.title == "real-time signals")
    assert kind.function(Init("ours", reaper("--"), {}), SMALLEST)["rt lost"] == 0


def test_an_init_that_fails_is_named_and_stops_nothing() -> None:
    fails = Init("fails", ["/bin/false"], {})
    figures = init.measure([fails, TINI], MEASURES[:3], SMALLEST)
    assert any(line.startswith("start: fails: ") for line in figures.failures)
    first = MEASURES[0].rows[0]
    assert figures.told(first, "fails") == []
    assert len(figures.told(first, "tini")) == 1
    assert "Failed: start: fails" in init.section(figures, [first], SMALLEST, [])


def test_the_program_writes_its_files(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text((REPO / "docs" / "bench.md").read_text())
    options = ["--quick", "--rounds", "2", "--only", "leaving", "--init", "tini"]
    words = [*options, "--out", str(tmp_path / "out"), "--page", str(page)]
    done = subprocess.run(
        [sys.executable, PROGRAM, *words], capture_output=True, text=True, check=True
    )
    assert "end of main to end of the init" in done.stdout
    assert done.stdout.strip() in page.read_text()
    assert "leaving, round 2 of 2: tini" in done.stderr
    told = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert len(told["rows"]["leaving"]["programs"]["tini"]["rounds"]) == 2
    assert (tmp_path / "out" / "bench.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--rounds", "0"], "--rounds: must be 1 or more"),
        (["--rounds", "many"], "--rounds: invalid int value: 'many'"),
        (["--only", "nothing"], "--only: invalid choice: 'nothing'"),
        (["--page", "/nowhere.md"], "--page: [Errno 2] No such file or directory: '/nowhere.md'"),
        (["--out", "/dev/null/x"], "--out: [Errno 20] Not a directory: '/dev/null/x'"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_a_bad_option_is_told_in_one_line(words: list[str], says: str) -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert says in done.stderr and done.stderr.count("\n") == 1
