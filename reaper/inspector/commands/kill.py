"""Ends processes: TERM, a wait, then KILL to those that are left; says what happened to each.

Whom: pids, or filters as in ps; with --tree also all that is below them. Never PID 1, never
reaperctl itself or what it runs below. A reused pid is never hit, and the wait ends when the last
one does. Another --signal is only sent, as it may mean anything (HUP: reload), unless --grace is
given, too. Groups, sessions and trees are looked at again, for what was forked meanwhile.

Exit codes: 0 none is left, 1 some are left, 2 an error.

Examples:
  reaperctl kill 17                       TERM, up to 5 seconds, KILL
  reaperctl kill 17,23 --grace 30         with more time
  reaperctl kill --tree 17                and its descendants
  reaperctl kill --name '^worker$' --dry-run    only show whom it would hit
  reaperctl kill --session 40             everything that a login or docker exec -t left
  reaperctl kill --signal HUP --name nginx --parent 1     only send a signal
"""

import argparse
import os

from ...signals import parse
from ..columns import PROCESS, lifted
from ..errors import UserError
from ..killing import AFTER_KILL, KILL, Plan, Result, Self, plan, refusal, with_descendants
from ..pidfds import Targets
from ..procfs import HOSTPID, Proc, Process, Snapshot
from ..render.table import Column
from ..select import add_filters, filtered, needed, pids, select
from ..view import FOUND, NOTHING, View, add_table_options, require, seconds

ROUNDS = 10  # looks for what a group, session or tree forked meanwhile


COLUMNS: tuple[Column[Result], ...] = (
    *lifted(PROCESS, lambda row: row.process),
    Column("outcome", lambda row: row.outcome, "what happened to it, in a word"),
    Column("result", lambda row: row.sentence, "what happened to it, in a sentence"),
    Column("seconds", lambda row: row.seconds, "from the first signal to its end", "cpu"),
)
DEFAULT = "pid,comm,result"
DEFAULT_JSON = "pid,hostpid,ppid,pgid,sid,comm,outcome,result,seconds"


def _signal(word: str) -> int:
    try:
        return parse(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", nargs="?", metavar="PIDS", type=pids, help="these: 1,17")
    parser.add_argument("-t", "--tree", action="store_true", help="and all that is below them")
    parser.add_argument("--dry-run", action="store_true", help="show whom it would hit")
    parser.add_argument("--signal", metavar="SIG", type=_signal, help="this one first (TERM)")
    parser.add_argument("--grace", metavar="SECONDS", type=seconds(), help="wait before KILL (5)")
    parser.add_argument("--no-kill", dest="kill", action="store_false", help="no KILL, only wait")
    add_filters(parser)
    add_table_options(parser, COLUMNS, DEFAULT, json=DEFAULT_JSON)


def run(view: View) -> int:
    options = view.options
    shown = view.columns(COLUMNS)
    if options.pid is None and not filtered(options):
        raise UserError("name pids, or a filter such as --name; --dry-run shows whom it would hit")
    steps = plan(options.signal, options.grace, options.kill)
    results = _rounds(view, shown, steps)
    if results or view.json:
        view.table(COLUMNS, shown, results, left=sum(result.left for result in results))
    elif options.headers:
        view.print("no process matches")
    return FOUND if any(result.left for result in results) else NOTHING


def _rounds(view: View, shown: list[Column[Result]], steps: Plan) -> list[Result]:
    """Look and act; again for groups, sessions and trees, until nobody new is found."""
    options = view.options
    parts = (*view.needs(COLUMNS, shown), *needed(options), HOSTPID)
    again = options.tree or options.group is not None or options.session is not None
    if options.dry_run or steps.grace is None:
        again = False
    me = _self()
    seen: set[tuple[int, float]] = set()
    results: list[Result] = []
    for _ in range(ROUNDS if again else 1):
        found = [p for p in _chosen(view, view.snapshot(parts), not seen) if _key(p) not in seen]
        if not found:
            break
        seen.update(map(_key, found))
        refused = [refusal(process, me) for process in found]
        results += filter(None, refused)
        targets = [process for process, why in zip(found, refused, strict=True) if why is None]
        if options.dry_run:
            results += (Result(process, "planned", steps.signal) for process in targets)
        else:
            results += carry_out(targets, steps)
    else:
        if again:
            view.note("new processes came in every round; run it again, or stop what forks them")
    return results


def _key(process: Process) -> tuple[int, float]:
    return process.pid, process.stat.start


def _chosen(view: View, snapshot: Snapshot, first: bool) -> list[Process]:
    options = view.options
    if first:
        require(snapshot, options.pid or ())
    chosen = [p for p in select(options, snapshot) if options.pid is None or p.pid in options.pid]
    return with_descendants(chosen, snapshot) if options.tree else chosen


def _self() -> Self:
    """This program, and its ancestors as far as they can be seen."""
    here = Proc()
    if here.own != os.getpid():
        raise UserError("/proc belongs to another PID namespace; mount the one of this container")
    ancestors = set()
    pid = os.getppid()
    while pid and pid not in ancestors:
        ancestors.add(pid)
        try:
            pid = here.process(pid).stat.ppid
        except OSError:
            break
    return Self(os.getpid(), ancestors)


def carry_out(processes: list[Process], steps: Plan) -> list[Result]:
    """Signal, wait, KILL, wait: what happened to each, in the order given."""
    with Targets(processes) as targets:
        targets.send(steps.signal)
        if steps.grace is None:
            return targets.all("sent", steps.signal)
        targets.wait(steps.grace, "ended", steps.signal)
        if steps.kill:
            targets.send(KILL)
            targets.wait(AFTER_KILL, "killed", steps.signal)
        return targets.all("left", KILL if steps.kill else steps.signal)
