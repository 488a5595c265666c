"""The book-keeping of children, tested with a kernel that the test plays."""

import pytest

from reaper.init import journal, kernel, options, proc, reaping, report
from reaper.init.run import Run


@pytest.fixture
def run() -> Run:
    """A run whose main is 100."""
    chosen = options.Options()
    chosen.adopted = options.END
    run = Run(chosen, 1, 0)
    run.main_pid = 100
    return run


def reaper_of(run: Run, *born: int) -> reaping.Reaper:
    log = journal.Log(journal.Sink("/dev/null"), journal.WARNING)
    return reaping.Reaper(run, report.Report(run, log, None), born)


def play(monkeypatch: pytest.MonkeyPatch, alive: list[int], *reaped: int) -> None:
    """Play a kernel that has these living children, and then reports these as exited with 0."""
    ended = iter([*((pid, 0) for pid in reaped), (0, 0)])
    monkeypatch.setattr(proc, "own_children", lambda: alive)
    monkeypatch.setattr(kernel, "reap", lambda: next(ended))


def test_an_orphan_counts_once_and_its_pid_may_come_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    reaper = reaper_of(run)
    for _ in range(2):
        play(monkeypatch, [100, 7], 7)
        assert reaper.scan() == [7]
        assert reaper.batch().pids == [7]
    assert (run.adopted_count, run.reaped_count) == (2, 2)


def test_a_child_from_before_us_is_no_orphan_but_its_pid_may_be(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    reaper = reaper_of(run, 7)
    for orphans in (0, 1):
        play(monkeypatch, [100, 7], 7)
        assert len(reaper.scan()) == orphans
        reaper.batch()
        assert run.adopted_count == orphans


def test_a_flood_of_orphans_is_looked_at_in_batches(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood = [*range(200, 200 + 2 * reaping.BATCH + 5)]
    play(monkeypatch, [100, *flood], flood[-1])
    reaper = reaper_of(run)
    assert reaper.scan() == flood[: reaping.BATCH] and reaper.coming
    assert reaper.batch().pids == flood[-1:]  # a pid that was reaped is not noticed again
    assert [*reaper.scan(), *reaper.scan()] == flood[reaping.BATCH : -1]
    assert not reaper.coming and run.adopted_count == len(flood)


def test_an_error_in_a_batch_loses_nothing_of_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([(7, 0), (100, 5 << 8), OSError(12, "Cannot allocate memory"), (0, 0)])

    def next_answer() -> tuple[int, int]:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(kernel, "reap", next_answer)
    reaper = reaper_of(run)
    with pytest.raises(OSError, match="memory"):
        reaper.batch()
    batch = reaper.batch()
    assert batch.main_ending is not None
    assert (batch.main_ending.code, batch.pids, run.main_is_gone) == (5, [7], True)


def test_an_end_of_main_that_was_lost_is_an_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the init would never leave."""

    def none() -> tuple[int, int]:
        raise ChildProcessError

    monkeypatch.setattr(kernel, "reap", none)
    batch = reaper_of(run).batch()
    assert batch.no_child_left
    assert batch.main_ending is not None
    assert batch.main_ending.exit_code == 125
