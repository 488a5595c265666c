"""tests/bench/figures.py: ratios within a round, their spread, and the table, JSON and plot."""

import json
import sys
from xml.etree import ElementTree

import pytest
from support import REPO

sys.path.append(str(REPO / "tests" / "bench"))
from figures import (
    BEGIN,
    END,
    LEAST,
    MOST,
    Figures,
    Row,
    Spread,
    across,
    document,
    number,
    percentile,
    plot,
    spread,
    table,
    with_section,
)

CPU, LOST = Row("cpu", "CPU for a signal", "µs"), Row("lost", "signals lost", "")
EMPTY = Row("empty", "never measured", "ms")


def figures(**rounds: list[tuple[float | None, float | None]]) -> Figures:
    """Of `tini` and `<ours>`; for each row the rounds as pairs (ours, tini)."""
    found = Figures(["<ours>", "tini"], "tini")
    for key, pairs in rounds.items():
        for ours, tini in pairs:
            for program, value in (("<ours>", ours), ("tini", tini)):
                measured = {} if value is None else {key: value}
                found.add([Row(key, key, "")], program, measured)
    return found


def test_a_ratio_is_taken_within_a_round() -> None:
    """The machine was slow in the second round. The ratio of the medians would be 3."""
    found = figures(cpu=[(2, 1), (20, 10), (3, 1)])
    assert found.ratio(CPU, "<ours>") == Spread(2, 2, 2.5)
    assert found.ratio(CPU, "tini") == Spread(1, 1, 1)


def test_a_round_that_failed_leaves_the_others_in_their_pairs() -> None:
    found = figures(cpu=[(None, 1), (20, 10), (3, None), (8, 2)])
    assert found.told(CPU, "<ours>") == [20, 3, 8]
    assert found.ratio(CPU, "<ours>") == Spread(2.5, 3, 3.5)


def test_there_is_no_ratio_to_nothing() -> None:
    found = figures(lost=[(3, 0)], cpu=[(None, 1)])
    assert found.ratio(LOST, "<ours>") is None
    assert found.ratio(CPU, "<ours>") is None
    assert found.ratio(EMPTY, "<ours>") is None


@pytest.mark.parametrize(
    ("values", "quartiles"),
    [([7], (7, 7, 7)), ([1, 2, 3, 4, 5], (2, 3, 4)), ([4, 1], (1.75, 2.5, 3.25))],
)
def test_spread(values: list[float], quartiles: tuple[float, float, float]) -> None:
    assert spread(values) == Spread(*quartiles)


def test_percentile() -> None:
    hundred = [float(value) for value in range(99, -1, -1)]
    assert [percentile(hundred, part) for part in (0, 0.5, 0.99, 1)] == [0, 50, 99, 99]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.054, "0.05"), (1.276, "1.28"), (58.68, "58.7"), (1234.5, "1,234"), (3.0, "3")],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


def test_table() -> None:
    found = figures(cpu=[(2, 1), (20, 10), (3, 1)], lost=[(4, 0)])
    assert table(found, [CPU, LOST, EMPTY]).splitlines() == [
        "| | <ours> | tini |",
        "|---|---:|---:|",
        "| CPU for a signal, µs | 3 (2.00; 2.00 to 2.50) | 1 |",
        "| signals lost | 4 | 0 |",
        "| never measured, ms | – | – |",
    ]


def test_one_round_shows_no_spread() -> None:
    assert "| 3 (1.50) | 2 |" in table(figures(cpu=[(3, 2)]), [CPU])


def test_the_document_has_every_round_and_the_failures() -> None:
    found = figures(cpu=[(2, 1), (None, 10)])
    found.failures.append("cpu: <ours>: it ended")
    told = json.loads(document(found, [CPU, EMPTY], {"conditions": "a machine"}))
    assert told["conditions"] == "a machine"
    assert told["failures"] == ["cpu: <ours>: it ended"]
    assert list(told["rows"]) == ["cpu"]
    assert told["rows"]["cpu"]["unit"] == "µs"
    ours = told["rows"]["cpu"]["programs"]["<ours>"]
    assert ours == {"rounds": [2, None], "ratio_quartiles": [2, 2, 2]}


def test_the_plot_has_a_dot_for_each_ratio() -> None:
    found = figures(cpu=[(2, 1)], lost=[(4, 0)])
    drawn = ElementTree.fromstring(plot(found, [CPU, LOST, EMPTY], "Ratio & more"))
    name = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in drawn.iter(f"{name}text")]
    assert {"Ratio & more", "<ours>", "tini", "CPU for a signal", "0.25", "1", "32"} <= set(texts)
    assert "signals lost" not in texts  # it has no ratio
    dots = [
        float(dot.get("cx", "")) for dot in drawn.iter(f"{name}circle") if dot.get("cy") != "38"
    ]
    assert dots == [round(across(2), 1), round(across(1), 1)]


def test_the_axis_is_logarithmic_and_has_ends() -> None:
    assert across(2) - across(1) == pytest.approx(across(16) - across(8))
    assert across(0) == across(LEAST) < across(1) < across(MOST) == across(1000)


def test_a_section_replaces_what_was_between_the_marks() -> None:
    page = f"# Title\n\n{BEGIN}\nold\n{END}\n\nThe end.\n"
    once = with_section(page, "| new |\n")
    assert once == f"# Title\n\n{BEGIN}\n\n| new |\n\n{END}\n\nThe end.\n"
    assert with_section(once, "| new |") == once


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_a_page_without_both_marks_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        with_section(page, "new")


def test_the_page_of_the_bench_has_the_marks() -> None:
    assert with_section((REPO / "docs" / "bench.md").read_text(), "new")
