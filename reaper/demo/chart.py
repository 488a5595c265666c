"""Turns samples into text, terminal charts and SVG. Pure: it returns text and writes nothing."""

from collections.abc import Sequence
from itertools import pairwise

from reaper.demo.stage import Sample

LEAKY, CLEAN = "PID 1 that never waits", "reaper"
STUCK = "cannot fork"
HEIGHT = 8  # rows of a terminal chart
_BLOCKS = " ▁▂▃▄▅▆▇█"
_GAP = "   "
_RED, _GREEN, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"

HEADER = f"seconds   zombies under {LEAKY}   under {CLEAN}"


def line(sample: Sample) -> str:
    """One row of the table that begins with `HEADER`."""
    leaky = f"{sample.leaky}, {STUCK}" if sample.stuck else f"{sample.leaky}"
    return f"{sample.seconds:7.1f}{leaky:>39}{sample.clean:15}"


def bars(values: Sequence[int], top: int, width: int, height: int = HEIGHT) -> list[str]:
    """A bar chart of `height` rows and `width` columns; `top` is the value of a full column."""
    columns = squeeze(values, width)
    eighths = [min(-(-value * height * 8 // max(top, 1)), height * 8) for value in columns]
    rows = []
    for row in reversed(range(height)):
        cells = (_BLOCKS[max(0, min(8, eighth - row * 8))] for eighth in eighths)
        rows.append("".join(cells).ljust(width))
    return rows


def squeeze(values: Sequence[int], width: int) -> list[int]:
    """Keep at most `width` values: the largest of each stretch, so that no peak is hidden."""
    if len(values) <= width:
        return list(values)
    edges = [number * len(values) // width for number in range(width + 1)]
    return [max(values[begin:end]) for begin, end in pairwise(edges)]


def frame(samples: Sequence[Sample], top: int, width: int, colour: bool = True) -> list[str]:
    """Both charts side by side, each with its title above; at most `width` columns wide."""
    panel = (width - len(_GAP)) // 2
    rows = [""] * (HEIGHT + 2)
    leaky = f"never waits, {STUCK}" if samples[-1].stuck else LEAKY
    sides = (
        (leaky, [sample.leaky for sample in samples], _RED),
        (CLEAN, [sample.clean for sample in samples], _GREEN),
    )
    for name, values, paint in sides:
        title = f"{name}: {values[-1]} zombies"[:panel].ljust(panel)
        body = bars(values, top, panel)
        if colour:
            body = [f"{paint}{row}{_PLAIN}" for row in body]
        cells = [title, *body, "─" * panel]
        rows = [
            f"{row}{_GAP}{cell}" if row else cell for row, cell in zip(rows, cells, strict=True)
        ]
    return rows


_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 320" font-family="sans-serif" \
font-size="13">
<rect width="640" height="320" fill="white"/>
<text x="60" y="24" font-size="16">Zombies over time, the same workload</text>
<path d="M60 40V280H620" fill="none" stroke="#555"/>
<text x="52" y="52" text-anchor="end">{top}</text>
<text x="52" y="284" text-anchor="end">0</text>
<text x="620" y="300" text-anchor="end">{seconds:.1f} s</text>
<polyline points="{leaky}" fill="none" stroke="#c0392b" stroke-width="2"/>
<polyline points="{clean}" fill="none" stroke="#1e8449" stroke-width="2"/>
<text x="72" y="60" fill="#c0392b">{leaky_name}: {leaky_last}</text>
<text x="72" y="80" fill="#1e8449">{clean_name}: {clean_last}</text>
</svg>
"""


def svg(samples: Sequence[Sample]) -> str:
    """The two curves as a picture for a web page."""
    top = max(1, *(max(sample.leaky, sample.clean) for sample in samples))
    seconds = max(samples[-1].seconds, 0.1)

    def points(values: Sequence[int]) -> str:
        places = zip((sample.seconds for sample in samples), values, strict=True)
        return " ".join(
            f"{60 + 560 * x / seconds:.1f},{280 - 230 * y / top:.1f}" for x, y in places
        )

    return _SVG.format(
        top=top,
        seconds=seconds,
        leaky=points([sample.leaky for sample in samples]),
        clean=points([sample.clean for sample in samples]),
        leaky_name=LEAKY,
        clean_name=CLEAN,
        leaky_last=samples[-1].leaky,
        clean_last=samples[-1].clean,
    )
