"""Live: CPU, memory, states, zombies, reaps per second. Without a terminal: one look as a table.

CPU% is the share of one CPU since the last look. Without a terminal, top looks twice, one interval
apart, and prints the second look. To count reaps, it needs the trace that reaper --trace writes.
Press q or Ctrl-C to quit.

Examples:
  reaperctl top                             keys: q quits, ? lists the others
  reaperctl top --trace /run/reaper.jsonl   with reaps per second
  reaperctl top --interval 5 --sort -rss
  reaperctl top --once | head               one look, as text
  reaperctl top --container web
"""

import argparse
import gc
import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, replace

from ..answers.filters import add_filters, choose, needed
from ..answers.tally import ELSEWHERE, Tally
from ..answers.totals import Totals, summary, totals_of
from ..arguments import seconds
from ..reading import cgroup
from ..reading.sampling import Key, Row, Sample, Sampler, Seen, rows
from ..render import screen, table
from ..render.screen import COLUMNS, DEFAULT, THREADS, Screen
from ..view import NOTHING, View, add_table_options

SHORTEST = 0.1  # seconds between two looks


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--interval", metavar="SECONDS", type=seconds(SHORTEST, 3600), default=1.0,
                        help="time between two looks (1)")  # fmt: skip
    parser.add_argument("--trace", metavar="FILE", help="count reaped and adopted in this trace")
    parser.add_argument("--threads", action="store_true", help="show threads, as the key H does")
    parser.add_argument("--zombies", action="store_true", help="only zombies, as the key z does")
    parser.add_argument("--once", action="store_true", help="print one look, also on a terminal")
    add_filters(parser)
    add_table_options(parser, COLUMNS, DEFAULT, screen.BUSIEST)


def run(view: View) -> int:
    options = view.options
    state = Screen(options.sort, threads=options.threads, zombies=options.zombies)
    shown(view, state)  # raises UserError for a bad column before anything is read
    with closing(Watch(view)) as watch:
        if options.once or view.json or not _terminal(view):
            return once(view, watch, state)
        return live(view, watch, state)


def _terminal(view: View) -> bool:
    return os.isatty(0) and view.out.isatty() and os.environ.get("TERM") not in (None, "dumb")


class Watch:
    """The two latest looks, and memory, load and reaps at the time of the last."""

    def __init__(self, view: View) -> None:
        self.proc = view.proc
        self._options = view.options
        self._sampler = Sampler(view.proc)
        self.close = self._sampler.close
        self._tally = Tally(view.options.trace) if view.options.trace else None
        self._note = view.note
        self._counted: tuple[int, int] | None = None  # reaped and adopted, at the last look
        self._now: Sample | None = None
        self._before: Sample | None = None
        self._seen: dict[Key, Seen] = {}  # what `filled` read at this look
        self._earlier: dict[Key, Seen] = {}  # what it read at the look before
        self.processes: list[Row] = []
        self.threads: list[Row] = []
        self.totals = Totals({}, 0, None, None)

    def look(self, threads: bool) -> None:
        """Look again. Raises UserError if /proc or the trace cannot be read."""
        if self._tally:
            self._tally.update()  # before the look: see Tally.look
        self._before, self._now = self._now, self._sampler.sample(threads)
        self._earlier, self._seen = self._seen, {}
        self.processes = rows(self._now, self._before)
        self.threads = rows(self._now, self._before, threads=True) if threads else []
        self.totals = self._surroundings(totals_of(self.processes))
        if self._tally:
            self.totals = self._reaps(self._tally, self.totals)

    def _surroundings(self, totals: Totals) -> Totals:
        assert self._now
        total, available = self.proc.machine.memory, self.proc.available
        charged = cgroup.read(self.proc).memory
        used = total - available if total and available is not None else None
        own = charged.limit is not None and (total is None or charged.limit < total)
        return replace(
            totals,
            cpus=os.cpu_count(),
            load=self.proc.load,
            memory_used=charged.used if own else used,
            memory_limit=charged.limit if own else total,
            memory_of="control group" if own else "machine",
            unreadable=self._now.unreadable,
            hidden=self._now.hidden,
        )

    def _reaps(self, tally: Tally, totals: Totals) -> Totals:
        assert self._now
        if not tally.look((row.process.stat for row in self.processes), self.proc.pid_namespace):
            self._note(ELSEWHERE)
        before, self._counted = self._counted, (tally.reaped.total(), tally.adopted)
        now = self._counted
        rates: list[float | None] = [None, None]
        if self._before and before:
            elapsed = self._now.at - self._before.at
            rates = [max(0, b - a) / elapsed for a, b in zip(before, now, strict=True)]
        return replace(totals, traced=True, reaped=now[0], adopted=now[1],
                       reaped_rate=rates[0], adopted_rate=rates[1])  # fmt: skip

    def rows(self, state: Screen) -> list[Row]:
        """What the user wants to see, sorted."""
        listed = screen.chosen(state, self.threads if state.threads else self.processes)
        filled = self.filled(listed, self.parts(state))
        return table.sort(
            choose(self._options, filled, lambda row: row.process), COLUMNS, state.sort
        )

    def parts(self, state: Screen, columns: Sequence[table.Column[Row]] = ()) -> tuple[str, ...]:
        """The parts of /proc that sorting, the filters and these columns read."""
        sorting = (column for _, column in table.sort_columns(COLUMNS, state.sort))
        return (*table.needs((*sorting, *columns)), *needed(self._options))

    def filled(self, listed: Sequence[Row], parts: tuple[str, ...]) -> list[Row]:
        """The listed rows with more parts of /proc, or without them if the process is gone."""
        return [self._with(row, parts) for row in listed] if parts else [*listed]

    def _with(self, row: Row, parts: tuple[str, ...]) -> Row:
        key = row.pid, row.tid
        try:
            if row.tid:
                more = self.proc.thread(row.pid, row.tid, parts)
            else:
                more = self.proc.process(row.pid, parts)
        except OSError:
            return row
        self._seen[key] = seen = Seen(time.monotonic(), more)
        whole = replace(more, stat=row.process.stat, age=row.process.age)
        return replace(row, process=whole, seen=seen, earlier=self._earlier.get(key))


def shown(view: View, state: Screen) -> list[table.Column[Row]]:
    """The columns that -o names, else the default ones for processes or threads."""
    return view.columns(COLUMNS, THREADS if state.threads else "")


def once(view: View, watch: Watch, state: Screen) -> int:
    """Look twice, so that there is a CPU%, and print the second look as a table or JSON."""
    columns = shown(view, state)
    watch.look(state.threads)
    watch.filled(watch.rows(state), watch.parts(state, columns))
    time.sleep(view.options.interval)
    watch.look(state.threads)
    listed = watch.filled(watch.rows(state), watch.parts(state, columns))
    if view.json:
        view.emit(rows=table.records(columns, listed), totals=asdict(watch.totals))
        return NOTHING
    if view.options.headers:
        view.print(*summary(watch.totals), "")
    view.print(*view.lines(columns, listed))
    return NOTHING


def live(view: View, watch: Watch, state: Screen) -> int:
    """Look, draw, and wait for a key or the next look, until somebody ends it."""
    from ..render.terminal import Ended, Terminal  # noqa: PLC0415  (a snapshot needs no terminal)

    gc.enable()  # this command may run for days
    interval = view.options.interval
    try:
        with Terminal() as terminal:
            due = 0.0
            while not state.quit:
                now = time.monotonic()
                if now >= due:
                    watch.look(state.threads)
                    due = now + interval
                terminal.draw(frame(view, watch, state, terminal.size))
                threads = state.threads
                for key in terminal.wait(due - time.monotonic()):
                    state = screen.press(state, key)
                if state.threads and not threads:
                    due = 0.0
    except Ended as ended:
        return ended.code
    return NOTHING


def frame(view: View, watch: Watch, state: Screen, size: os.terminal_size) -> list[str]:
    """The lines to draw, at most as many as the screen has."""
    if state.help:
        return screen.help_lines(view.options.interval)[: size.lines]
    top = screen.head(
        state,
        summary(watch.totals),
        bool(watch.totals.states.get("Z")),
        size.columns,
        view.colour,
    )
    columns = shown(view, state)
    visible = watch.rows(state)[: max(0, size.lines - len(top) - 1)]
    body = table.lines(
        columns,
        watch.filled(visible, watch.parts(state, columns)),
        room=size.columns,
        exact=view.options.bytes,
        colour=view.colour,
    )
    return [*top, *body][: size.lines]
