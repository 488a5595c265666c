"""The demo's verdict and charts, without a run."""

import pytest

from reaper.demo import chart, story

GOOD = {"orphans": 5, "leaky_remaining": 5, "clean_remaining": 0, "clean_most": 1,
        "adopted": 5, "reaped": 5, "lines_lost": 0, "code": 0}  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{}, {"leaky_remaining": 4}, {"clean_remaining": 1}, {"reaped": 4}, {"code": 1}]
)
def test_the_verdict_is_no_when_one_number_is_off(wrong: dict[str, int]) -> None:
    found = story.Facts(**{**GOOD, **wrong})
    assert found.as_promised is not bool(wrong)
    assert story.verdict(found)[-1] == f"Verdict: {'NOT ' if wrong else ''}as promised."


@pytest.mark.parametrize("width", [1, 3, 10])
def test_squeezing_hides_no_peak(width: int) -> None:
    values = [0, 9, 0, 0, 1, 0, 7]
    squeezed = chart.squeeze(values, width)
    assert len(squeezed) <= max(width, 1)
    assert max(squeezed) == 9
