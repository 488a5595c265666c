"""Figures of several programs: medians, ratios, and how they are written down. No system calls.

A ratio is taken within a round, because what disturbs the machine in a round meets all programs.
The ratio that is told is the median over the rounds, with the lower and the upper quartile.
"""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

BEGIN, END = "<!-- begin: written by make bench -->", "<!-- end: written by make bench -->"


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    unit: str  # empty for a count


@dataclass(frozen=True)
class Spread:
    """The lower quartile, the median and the upper quartile."""

    low: float
    median: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """The quartiles of values, of which there must be one; with one alone, all three are that."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which a part (0 to 1) of the values is."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


@dataclass
class Figures:
    """Values by row, program and round; None where a round of a program gave none."""

    programs: Sequence[str]
    base: str  # the program that the ratios are to
    values: dict[str, dict[str, list[float | None]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, rows: Sequence[Row], program: str, measured: Mapping[str, float]) -> None:
        """Add a round of a program. All programs must have the same number of rounds."""
        for row in rows:
            of_row = self.values.setdefault(row.key, {name: [] for name in self.programs})
            of_row[program].append(measured.get(row.key))

    def told(self, row: Row, program: str) -> list[float]:
        rounds = self.values.get(row.key, {}).get(program, [])
        return [value for value in rounds if value is not None]

    def ratio(self, row: Row, program: str) -> Spread | None:
        """None if no round has both values, or if the base is 0."""
        of_row = self.values.get(row.key, {})
        pairs = zip(of_row.get(program, []), of_row.get(self.base, []), strict=True)
        ratios = [ours / base for ours, base in pairs if ours is not None and base]
        return spread(ratios) if ratios else None


def number(value: float) -> str:
    """Three digits that count, and no more after the point than two."""
    if value == int(value) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(figures: Figures, row: Row, program: str) -> str:
    values = figures.told(row, program)
    if not values:
        return "–"
    median = number(statistics.median(values))
    ratio = figures.ratio(row, program)
    if program == figures.base or ratio is None:
        return median
    if ratio.low == ratio.high:
        return f"{median} ({ratio.median:.2f})"
    return f"{median} ({ratio.median:.2f}; {ratio.low:.2f} to {ratio.high:.2f})"


def table(figures: Figures, rows: Sequence[Row]) -> str:
    """A table in Markdown: the median and, in brackets, the ratio with its quartiles."""
    lines = [f"| | {' | '.join(figures.programs)} |", f"|---|{'---:|' * len(figures.programs)}"]
    for row in rows:
        title = f"{row.title}, {row.unit}" if row.unit else row.title
        cells = (cell(figures, row, program) for program in figures.programs)
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def document(figures: Figures, rows: Sequence[Row], about: Mapping[str, object]) -> str:
    """All values in JSON: the conditions, and for each row the rounds of each program."""

    def of(row: Row, program: str) -> dict[str, object]:
        ratio = figures.ratio(row, program)
        quartiles = [ratio.low, ratio.median, ratio.high] if ratio else None
        return {"rounds": figures.values[row.key][program], "ratio_quartiles": quartiles}

    written = {
        row.key: {
            "title": row.title,
            "unit": row.unit,
            "programs": {program: of(row, program) for program in figures.programs},
        }
        for row in rows
        if row.key in figures.values
    }
    said = {**about, "base": figures.base, "failures": figures.failures, "rows": written}
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


# The plot: a line for each row, and on it a dot for each program, at its ratio.
COLOURS = ("#0072b2", "#56b4e9", "#000000", "#d55e00", "#009e73", "#cc79a7")
LEFT, WIDTH, LINE, TOP = 400, 460, 22, 60  # pixels
LEAST, MOST = 1 / 4, 32  # the ends of the axis, which is logarithmic


def across(ratio: float) -> float:
    """Where a ratio is, in pixels from the left; one that is off the axis is at its end."""
    ratio = min(max(ratio, LEAST), MOST)
    return LEFT + WIDTH * math.log(ratio / LEAST) / math.log(MOST / LEAST)


def plot(figures: Figures, rows: Sequence[Row], title: str) -> str:
    """An SVG: the ratio of each program to the base in each row, with its quartiles as a line."""
    shown = [row for row in rows if any(figures.ratio(row, name) for name in figures.programs)]
    height = TOP + LINE * len(shown) + 30
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 40} {height}"'
        ' font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="10" y="20" font-size="14">{escape(title)}</text>',
    ]
    for index, program in enumerate(figures.programs):
        x, colour = 10 + 150 * index, colour_of(index)
        drawn.append(f'<circle cx="{x + 5}" cy="38" r="4" fill="{colour}"/>')
        drawn.append(f'<text x="{x + 14}" y="42">{escape(program)}</text>')
    bottom = TOP + LINE * len(shown)
    for power in range(int(math.log2(LEAST)), int(math.log2(MOST)) + 1):
        x, shade = across(2.0**power), "#888" if power == 0 else "#ddd"
        drawn.append(f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="{shade}"/>')
        drawn.append(
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{2.0**power:g}</text>'
        )
    for line, row in enumerate(shown):
        y = TOP + LINE * line + LINE / 2
        drawn.append(
            f'<text x="{LEFT - 14}" y="{y + 4}" text-anchor="end">{escape(row.title)}</text>'
        )
        for index, program in enumerate(figures.programs):
            if ratio := figures.ratio(row, program):
                drawn += dot(ratio, y, colour_of(index))
    return "\n".join([*drawn, "</svg>"]) + "\n"


def colour_of(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def dot(ratio: Spread, y: float, colour: str) -> list[str]:
    low, middle, high = (across(each) for each in (ratio.low, ratio.median, ratio.high))
    return [
        f'<path d="M{low:.1f} {y}H{high:.1f}" stroke="{colour}" stroke-width="2"/>',
        f'<circle cx="{middle:.1f}" cy="{y}" r="4" fill="{colour}" fill-opacity="0.8"/>',
    ]


def with_section(page: str, section: str) -> str:
    """The page with this section between the two marks. ValueError if it lacks a mark."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{section.strip()}\n\n{END}{after}"
