"""Live progress: a growing chart on a terminal, otherwise a line now and then."""

import os
import shutil
from collections.abc import Sequence
from typing import Protocol, TextIO

from reaper.demo import chart
from reaper.demo.stage import Sample

LINE_EVERY = 0.5  # seconds
NARROWEST = 56  # columns; both titles need that many
_HIDE, _SHOW, _UP = "\x1b[?25l", "\x1b[?25h", "\x1b[{}A\r"


class Screen(Protocol):
    def say(self, text: str) -> None:
        """Print a line before the first sample."""

    def show(self, samples: Sequence[Sample]) -> None: ...

    def close(self) -> None:
        """Leave the terminal as it was, also after a Ctrl-C."""


class Lines:
    """Prints a row of numbers every half second, and one for the last sample."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown: Sample | None = None
        self._last: Sample | None = None

    def say(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    def show(self, samples: Sequence[Sample]) -> None:
        self._last = samples[-1]
        if not self._shown:
            print(chart.HEADER, file=self._out)
        before = self._shown
        due = not before or self._last.seconds >= before.seconds + LINE_EVERY
        if due or (before and self._last.stuck != before.stuck):
            self._print(self._last)

    def _print(self, sample: Sample) -> None:
        self._shown = sample
        print(chart.line(sample), file=self._out, flush=True)

    def close(self) -> None:
        if self._last and self._last is not self._shown:
            self._print(self._last)


class Live:
    """Draws two charts and redraws them in place."""

    def __init__(self, out: TextIO, top: int) -> None:
        self._out = out
        self._top = top
        self._drawn = False
        self._colour = "NO_COLOR" not in os.environ

    def say(self, text: str) -> None:
        print(text, file=self._out)

    def show(self, samples: Sequence[Sample]) -> None:
        width = min(shutil.get_terminal_size().columns, 100)
        rows = chart.frame(samples, self._top, width, self._colour)
        begin = _UP.format(len(rows)) if self._drawn else _HIDE
        self._out.write(begin + "".join(f"{row}\x1b[K\n" for row in rows))
        self._out.flush()
        self._drawn = True

    def close(self) -> None:
        if self._drawn:
            self._out.write(_SHOW)
            self._out.flush()


class Silence:
    """Shows nothing. It is for output that a program reads."""

    def say(self, text: str) -> None:
        pass

    def show(self, samples: Sequence[Sample]) -> None:
        pass

    def close(self) -> None:
        pass


def choose(out: TextIO, top: int) -> Screen:
    """Choose the chart if `out` is a terminal that can show it, otherwise lines.

    `top` is the largest number of zombies to expect.
    """
    able = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    wide = shutil.get_terminal_size().columns >= NARROWEST
    unicode = (out.encoding or "").lower().replace("-", "") == "utf8"
    return Live(out, top) if able and wide and unicode else Lines(out)
