"""The demo's verdict and charts, without a run."""

from pathlib import Path
from typing import Any

import pytest

from reaper.demo import chart, limit, story

GOOD: dict[str, Any] = {"orphans": 5, "limit": 0, "leaky_made": 5, "cannot_fork": "",
        "leaky_remaining": 5, "clean_remaining": 0, "clean_most": 1,
        "adopted": 5, "reaped": 5, "lines_lost": 0, "code": 0}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{}, {"leaky_remaining": 4}, {"clean_remaining": 1}, {"reaped": 4}, {"code": 1},
     {"leaky_made": 4}, {"limit": 4}],
)  # fmt: skip
def test_the_verdict_is_no_when_one_number_is_off(wrong: dict[str, int]) -> None:
    found = story.Facts(**{**GOOD, **wrong})
    assert found.as_promised is not bool(wrong)
    assert story.verdict(found)[-1] == f"Verdict: {'NOT ' if wrong else ''}as promised."


def test_a_leak_that_ends_at_its_limit_is_as_promised() -> None:
    why = "cannot fork: no"
    found = story.Facts(
        **{**GOOD, "limit": 4, "leaky_made": 3, "leaky_remaining": 3, "cannot_fork": why}
    )
    assert found.as_promised
    assert story.verdict(found)[0].endswith(f": 3 of 3 orphans are zombies and stay so; {why}.")


def test_where_the_pids_controller_is_to_be_had() -> None:
    mountinfo = """\
30 1 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 1 0:27 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids
32 1 0:28 / /nowhere/unified rw,relatime - cgroup2 cgroup2 rw
33 1 0:29 / /proc rw - proc proc rw"""
    assert list(limit._pids_hierarchies(mountinfo)) == [Path("/sys/fs/cgroup/pids")]


@pytest.mark.parametrize("width", [1, 3, 10])
def test_squeezing_hides_no_peak(width: int) -> None:
    values = [0, 9, 0, 0, 1, 0, 7]
    squeezed = chart.squeeze(values, width)
    assert len(squeezed) <= max(width, 1)
    assert max(squeezed) == 9
