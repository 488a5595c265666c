"""How many processes are in each state, what that means and what can be done.

Examples:
  reaperctl states                the states that occur
  reaperctl states --all          also the states that do not
  reaperctl states --user www     only the processes of one user
"""

import argparse
from collections import Counter
from dataclasses import dataclass

from ..answers.filters import add_filters, needed, selected
from ..answers.states import STATES, UNKNOWN_STATE, State
from ..render.style import state_style
from ..render.table import Column
from ..view import NOTHING, View, add_table_options


@dataclass(frozen=True)
class Row:
    """One state, and how many processes are in it."""

    letter: str
    state: State
    count: int


COLUMNS: tuple[Column[Row], ...] = (
    Column("state", lambda row: row.letter, "letter, as in ps", header="ST", style=state_style),
    Column("name", lambda row: row.state.name, "in words"),
    Column("count", lambda row: row.count, "processes", "integer"),
    Column("meaning", lambda row: row.state.meaning, "what it means"),
    Column("cure", lambda row: row.state.cure, "what can be done about it"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    add_table_options(parser, COLUMNS, "state,count,name,meaning", "-count")
    parser.add_argument("--all", action="store_true", help="also show states that no process is in")
    add_filters(parser)


def run(view: View) -> int:
    processes = selected(view.options, view.snapshot(needed(view.options)))
    counts = Counter(process.stat.state for process in processes)
    letters = [*STATES, *(letter for letter in counts if letter not in STATES)]
    rows = [
        Row(letter, STATES.get(letter, UNKNOWN_STATE), counts[letter])
        for letter in letters
        if counts[letter] or view.options.all
    ]
    shown = view.columns(COLUMNS)
    view.table(COLUMNS, shown, rows)
    prose = view.options.headers and not view.json
    if prose and "cure" not in {column.name for column in shown}:
        view.print(*(f"{row.letter}: {row.state.cure}" for row in rows if row.letter in "DTtZ"))
    return NOTHING
