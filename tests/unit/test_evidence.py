"""The report of a failed test shows the output of the programs that the test started."""

import os
import re
import subprocess
import sys
from pathlib import Path

import evidence
import pytest
from support import REPO, run, running

FAILURES = """
import subprocess
import pytest
from support import eventually, run, running
from terminal import terminal

SAYS = ["sh", "-c", "echo out; echo err >&2; exit 3"]
STAYS = ["sh", "-c", "echo err >&2; echo out; read line; exit 3"]

def test_run():
    assert run(SAYS)[0] == 0

def test_subprocess():
    subprocess.run(SAYS, check=True, capture_output=True)

def test_end_of_output():
    with running(SAYS) as started:
        started.wait_line("ready")

def test_deadline():
    with running(STAYS) as started:
        started.wait_line("out")
        eventually(lambda: False, timeout=0.1)

def test_no_end():
    with running(["sh", "-c", "echo err >&2; echo out; exec sleep 60"]) as started:
        started.wait_line("out")
        started.finish(0.1)

def test_terminal():
    with terminal(SAYS) as screen:
        screen.wait_for("ready")

@pytest.fixture(scope="module")
def service():
    with running(STAYS) as started:
        started.wait_line("out")
        yield started

def test_of_several_tests(service):
    assert service is None

def test_of_several_tests_loses_nothing_by_it(service):
    service.type_line("")
    assert service.finish() == (3, "", "err\\n")
"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the failing tests above with this project's conftest: test -> its report."""
    folder = tmp_path_factory.mktemp("failures")
    (folder / "test_it.py").write_text(FAILURES)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", f"--rootdir={folder}", str(folder)],
        env={**os.environ, "PYTHONPATH": str(REPO / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "7 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    _, *pairs = re.split(
        r"^_{3,} (test_\w+) _{3,}$", done.stdout.partition("= short")[0], flags=re.M
    )
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


ENDED, ALIVE = "(exit code 3)", "(still running)"
STREAMS = "--- standard output\nout\n--- standard error\nerr"


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("test_run", ENDED), ("test_subprocess", ENDED), ("test_end_of_output", ENDED),
        ("test_deadline", ALIVE), ("test_no_end", ALIVE), ("test_of_several_tests", ALIVE),
    ],
)  # fmt: skip
def test_a_failure_shows_exit_code_and_streams(
    reports: dict[str, str], name: str, outcome: str
) -> None:
    assert f"{outcome}\n{STREAMS}" in reports[name]


def test_a_failure_shows_the_terminal(reports: dict[str, str]) -> None:
    assert f"{ENDED}\n--- terminal\nout\nerr" in reports["test_terminal"]


def test_an_end_too_soon_says_how_in_its_message(reports: dict[str, str]) -> None:
    line = "standard output ended without 'ready': exit code 3; standard error: err"
    assert line in reports["test_end_of_output"]


def test_what_ended_is_kept_until_the_next_test_and_long_output_is_cut(tmp_path: Path) -> None:
    evidence.forget_the_ended()
    run(["seq", "9999"])
    with (tmp_path / "log").open("wb") as log, running(["echo", "up"], stdout=log) as started:
        started.finish()
    first, second = evidence.told()
    assert first.startswith("$ seq 9999\n(exit code 0)\n--- standard output (the last 4000 char")
    assert first.endswith("9998\n9999")
    assert second == "$ echo up\n(exit code 0)\n--- file log\nup"
    evidence.forget_the_ended()
    assert evidence.told() == []


def test_what_cannot_be_asked_hides_no_failure(tmp_path: Path) -> None:
    def broken() -> str:
        return (tmp_path / "nowhere").read_text()

    with evidence.watched(broken):
        [told] = evidence.told()
    assert told.startswith("(it cannot be asked: FileNotFoundError")
