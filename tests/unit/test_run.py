"""What all parts of the init steer by."""

import pytest

from reaper.init import options as opt
from reaper.init.run import Run
from reaper.signals import NUMBERS

KILL, TERM = NUMBERS["SIGKILL"], NUMBERS["SIGTERM"]


def run_with(*words: str) -> Run:
    chosen = opt.parse([*words, "--", "app"], {})
    assert isinstance(chosen, opt.Options)
    run = Run(chosen, 1, 0)
    run.main_pid = 7
    return run


@pytest.mark.parametrize(
    ("words", "looks", "scans"),
    [
        ([], False, False),
        (["-v"], False, False),
        (["-vv"], True, False),
        (["--warn-reap"], True, False),
        (["--adopted", "end"], False, True),
        (["--trace", "fd:1"], True, True),
    ],
)
def test_what_is_looked_at(words: list[str], looks: bool, scans: bool) -> None:
    run = run_with(*words)
    assert (run.looks, run.scans) == (looks, scans)


def test_mains_pid_names_another_process_once_main_is_gone() -> None:
    run = run_with()
    assert run.is_main(7) and not run.is_main(8)
    run.main_is_gone = True
    assert not run.is_main(7)


def test_forwarded_signals_are_counted_and_ours_are_not() -> None:
    run = run_with()
    run.note_sent(TERM, -7, received=TERM)
    run.note_sent(TERM, -1, received=None)
    assert run.forwarded_count == 1


def test_who_was_killed_by_us() -> None:
    run = run_with()
    run.note_sent(TERM, 9, received=None)
    assert not run.killed_by_us(9)
    run.note_sent(KILL, 9, received=None)
    assert run.killed_by_us(9)
    assert not run.killed_by_us(9), "the pid was reaped, and is another process's now"
    run.note_sent(KILL, -7, received=None)
    assert run.killed_by_us(9), "it may have been in that group"
