#!/usr/bin/env python3
"""The init beside tini, dumb-init and catatonit: a table with ratios, a JSON file and a plot.

Each init is PID 1 of a PID namespace of its own, above a main in C. All take turns in every round,
so that noise meets all of them. Run as root on a machine that does nothing else.
tests/bench/forms.py measures what the forms of the init cost.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import builds
from common import PEERS, conditions
from figures import Figures, Row, document, plot, table, with_section
from measures import CONTAINERS, FULL, MEASURES, QUICK, Init, Measure, Sizes, containers, no_engine

# What an init that tells everything is told: see Init.saying.
TALKATIVE = {"debug": ["--log-level", "debug"], "trace": ["--trace", "/dev/null"]}
OURS = {"reaper static": "static", "reaper": "source"}
NAMES = (*OURS, *PEERS)
BASE = "tini"


def init(name: str) -> Init:
    """One of `NAMES`. Raises builds.NotBuilt if it must be built first."""
    if name in PEERS:
        return Init(name, PEERS[name], {})
    return Init(name, [*builds.command(OURS[name]), "--"], TALKATIVE)


def progress(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def measure(inits: Sequence[Init], measures: Sequence[Measure], sizes: Sizes) -> Figures:
    """Measure them in turns. In each round another one is the first."""
    figures = Figures([each.name for each in inits], BASE)
    for position, kind in enumerate(measures, 1):
        rounds = sizes.rounds[kind.pace]
        for number in range(rounds):
            first = number % len(inits)
            for each in (*inits[first:], *inits[:first]):
                where = f"{position} of {len(measures)}: {kind.title}"
                progress(f"{where}, round {number + 1} of {rounds}: {each.name}")
                try:
                    measured = kind.function(each, sizes)
                except (AssertionError, OSError) as reason:
                    measured = {}
                    figures.failures.append(f"{kind.title}: {each.name}: {reason}")
                figures.add(kind.rows, each.name, measured)
    return figures


def section(figures: Figures, rows: Sequence[Row], sizes: Sizes, notes: Sequence[str]) -> str:
    """What is printed, and what docs/bench.md contains: the table, how it came about, and notes."""
    often, slow, once = (times(sizes.rounds[pace]) for pace in ("quick", "slow", "once"))
    how = (
        f"{conditions()}. Measured {often}: the median and, in brackets, the ratio to {BASE}, its"
        f" median and its quartiles. A round of a program has {sizes.starts} starts,"
        f" {sizes.signals:,} signals, {sizes.rt_signals:,} real-time signals and"
        f" {sizes.orphans:,} orphans. Measured {slow}: the lost TERM, live children, idle, log and"
        f" trace. Measured {once}: memory after {sizes.reaps:,} orphans."
    )
    failed = [f"Failed: {reason}." for reason in figures.failures]
    return "\n\n".join([table(figures, rows), how, *notes, *failed])


def times(count: int) -> str:
    return "in 1 round" if count == 1 else f"in {count} rounds"


class Parser(argparse.ArgumentParser):
    """One that tells an error in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists the options)\n")


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    titles = [kind.title for kind in MEASURES]
    parser.add_argument("--quick", action="store_true", help="fewer rounds: about a minute")
    parser.add_argument("--rounds", type=int, metavar="N", help="of each kind")
    parser.add_argument(
        "--only", action="append", choices=titles, metavar="KIND",
        help=f"measure only this; repeatable; one of: {', '.join(titles)}",
    )  # fmt: skip
    parser.add_argument(
        "--init", action="append", choices=NAMES, metavar="NAME",
        help=f"only this one beside {BASE}; repeatable; one of: {', '.join(NAMES)}",
    )  # fmt: skip
    parser.add_argument(
        "--image",
        default="debian:stable-slim",
        help="for `docker run --rm IMAGE true` [%(default)s]",
    )
    parser.add_argument(
        "--out", type=Path, default=builds.REPO / "build" / "bench", metavar="FOLDER",
        help="where bench.json and bench.svg go [build/bench]",
    )  # fmt: skip
    parser.add_argument(
        "--page", type=Path, metavar="FILE",
        help="write the table into this page, between the marks of `make bench`",
    )  # fmt: skip
    chosen = parser.parse_args(words)
    if chosen.rounds is not None and chosen.rounds < 1:
        parser.error("argument --rounds: must be 1 or more")
    if chosen.page:
        try:
            with_section(chosen.page.read_text(), "")  # before it is measured
        except (OSError, ValueError) as reason:
            parser.error(f"argument --page: {reason}")
    try:
        chosen.out.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        parser.error(f"argument --out: {reason}")
    return chosen


def main() -> int:
    chosen = arguments()
    if os.geteuid() != 0:
        raise SystemExit("init.py: only root can make PID namespaces: run it with sudo")
    sizes = QUICK if chosen.quick else FULL
    if chosen.rounds:
        sizes = sizes.with_rounds(chosen.rounds)
    try:
        inits = [init(name) for name in NAMES if name in (*(chosen.init or NAMES), BASE)]
    except builds.NotBuilt as reason:
        raise SystemExit(f"init.py: {reason}") from None
    measures = [kind for kind in MEASURES if kind.title in (chosen.only or [kind.title])]
    notes = []
    if not chosen.only:
        if reason := no_engine(chosen.image):
            notes.append(f"`docker run --rm {chosen.image} true` is left out: {reason}.")
        else:
            function = partial(containers, image=chosen.image)
            measures.append(Measure("containers", function, "quick", [CONTAINERS]))
    figures = measure(inits, measures, sizes)
    rows = [row for kind in measures for row in kind.rows]
    if chosen.page:
        where = os.path.relpath(chosen.out, chosen.page.parent)
        picture, values = (os.path.normpath(f"{where}/bench.{kind}") for kind in ("svg", "json"))
        notes.append(f"![The ratios to {BASE}]({picture})\n\n[All values]({values})")
    text = section(figures, rows, sizes, notes)
    print(text)
    about = {"conditions": conditions(), "sizes": vars(sizes), "load": os.getloadavg()}
    (chosen.out / "bench.json").write_text(document(figures, rows, about))
    (chosen.out / "bench.svg").write_text(plot(figures, rows, f"Ratio to {BASE}: less is better"))
    if chosen.page:
        chosen.page.write_text(with_section(chosen.page.read_text(), text))
    return 1 if figures.failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("init.py: interrupted; nothing was written")
