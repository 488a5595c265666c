"""What the log says: each test gives the report an action, without a process, and reads a line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from statline import stat_line

from reaper.init import core, journal, options, proc
from reaper.init.report import Report
from reaper.init.run import Run
from reaper.signals import NUMBERS
from reaper.status import Ending

TERM, INT = NUMBERS["SIGTERM"], NUMBERS["SIGINT"]


class Told:
    """A report on a program that runs as pid 7, and the lines that it wrote."""

    def __init__(self, path: Path, *words: str) -> None:
        chosen = options.parse([*words, "--", "/srv/app", "run"], {})
        assert isinstance(chosen, options.Options)
        self.path = path
        self.run = Run(chosen, 1, 0)
        self.run.main_pid = 7
        log = journal.Log(journal.Sink(str(path)), chosen.log_level)
        self.report = Report(self.run, log, None)

    def lines(self) -> list[str]:
        return [line.partition("reaper: ")[2] for line in self.path.read_text().splitlines()]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    return Told(tmp_path / "log", "-v")


def process(pid: int, name: str, state: str = "S") -> proc.Process:
    return proc.Process(stat_line(pid, name, state=state))


MAIN, WORKER = process(7, "app"), process(9, "worker")


@pytest.mark.parametrize(
    ("remaining", "there", "line"),
    [
        (
            None,
            [MAIN],
            "warning: main (app, pid 7) ignores SIGTERM (15), so this stop does nothing: send "
            "another signal with --rewrite, or set --stop-timeout",
        ),
        (
            9.0,
            [MAIN, WORKER],
            "warning: main (app, pid 7) and 1 more ignore SIGTERM (15), so this stop does "
            "nothing; SIGKILL in 9 s",
        ),
    ],
)
def test_a_stop_that_is_ignored(
    told: Told, remaining: float | None, there: list[proc.Process], line: str
) -> None:
    told.report.stop_ignored(core.Look(TERM, 1.0, remaining, last=False), there)
    assert told.lines() == [line]


def test_a_stop_that_is_held_and_would_be_ignored(told: Told) -> None:
    told.report.stop_ignored(core.Look(TERM, 0.0, None, last=False, held=True), [MAIN])
    assert told.lines() == [
        "warning: main (app, pid 7) ignores SIGTERM (15), so this stop will do nothing: send "
        "another signal with --rewrite, or set --stop-timeout"
    ]


def test_a_stop_that_is_ignored_is_said_once_though_two_looks_see_it(told: Told) -> None:
    told.report.stop_ignored(core.Look(TERM, 1.0, 3.0, last=False), [MAIN])
    told.report.stop_ignored(core.Look(TERM, 2.0, 2.0, last=True), [MAIN])
    assert len(told.lines()) == 1


@pytest.mark.parametrize(
    ("remaining", "there", "line"),
    [
        (None, [], "info: main (app, pid 7) is still at work 1 s after SIGTERM (15)"),
        (
            5.0,
            [MAIN, WORKER],
            "warning: main (app, pid 7) is still at work 5 s after SIGTERM (15), SIGKILL in 5 s; "
            "with it 9 (worker)",
        ),
    ],
)
def test_a_main_that_works_on(
    told: Told, remaining: float | None, there: list[proc.Process], line: str
) -> None:
    told.report.still_at_work(core.Look(TERM, remaining or 1.0, remaining, last=True), there)
    assert told.lines() == [line]


@pytest.mark.parametrize(
    ("action", "rest", "lines"),
    [
        (
            core.Shutdown(core.TERM, 5.0, TERM),
            [WORKER],
            ["info: main has exited; sent SIGTERM to the remaining process, SIGKILL in 5 s"],
        ),
        (
            core.Shutdown(core.TERM, 5.0, INT),
            [WORKER, MAIN],
            ["info: main has exited; sent SIGINT to the 2 remaining processes, SIGKILL in 5 s"],
        ),
        (core.Shutdown(core.TERM, 5.0, TERM), [], []),
        (
            core.Shutdown(core.KILL),
            [WORKER],
            ["warning: killing 9 (worker): it outlived --grace"],
        ),
        (
            core.Shutdown(core.KILL, cut=True),
            None,
            ["warning: killing the rest: another stop cut --grace short"],
        ),
        (
            core.Shutdown("done", outlived=True),
            [process(9, "dd", "D")],
            [
                "warning: leaving although 9 (dd) is in uninterruptible sleep (state D): it "
                "outlived SIGKILL"
            ],
        ),
        (core.Shutdown("done"), None, []),
    ],
)
def test_a_phase_of_the_shut_down(
    told: Told, action: core.Shutdown, rest: list[proc.Process] | None, lines: list[str]
) -> None:
    told.report.shutdown(action, rest)
    assert told.lines() == lines


@pytest.mark.parametrize(
    ("ending", "line"),
    [
        (Ending(0), "info: main (app, pid 7) exited with code 0"),
        (
            Ending(None, 11, True),
            "warning: main (app, pid 7) was killed by SIGSEGV (11), core dumped, not sent by us",
        ),
    ],
)
def test_an_end_of_main(told: Told, ending: Ending, line: str) -> None:
    told.report.main_ended(ending, core.Core(told.run.options), None)
    assert told.lines() == [line]


def test_main_is_called_by_the_name_of_the_program_that_it_runs_now(told: Told) -> None:
    told.report.see_main(process(7, "server"))
    told.report.stopped(NUMBERS["SIGSTOP"])
    assert told.lines() == ["info: main (server, pid 7) was stopped by SIGSTOP (19)"]


def test_an_orphan_that_was_reaped(tmp_path: Path) -> None:
    told = Told(tmp_path / "log", "-w")
    told.report.reap(11, process(11, "sleep", "Z"), "orphan", Ending(0), [])
    told.report.reap(12, None, "orphan", Ending(None, 9), [])
    assert told.lines() == [
        "warning: reaped orphan 11 (sleep): exit code 0",
        "warning: reaped orphan 12: killed by SIGKILL (9)",
    ]
