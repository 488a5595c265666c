"""Ends processes: sends TERM, waits, sends KILL to those that remain; says what happened to each.

Name the pids, or use filters as in ps. With --tree their descendants are ended, too. It refuses to
end PID 1, reaperctl itself and its ancestors. A process that only has a reused pid is never hit.
The wait is over when the last process has ended. A --signal other than TERM and KILL is only sent,
because it may mean anything (HUP: reload), unless --grace is given, too. If you name groups,
sessions or trees, it looks again for processes that were forked in the meantime.

Exit code: 0 if none remains, 1 if some remain, 2 after an error.

Examples:
  reaperctl kill 17                       TERM, up to 5 seconds, KILL
  reaperctl kill 17,23 --grace 30         with more time
  reaperctl kill --tree 17                and its descendants
  reaperctl kill --name '^worker$' --dry-run    only show whom it would hit
  reaperctl kill --session 40             everything that a login or docker exec -t left behind
  reaperctl kill --signal HUP --name nginx --parent 1     only send a signal
"""

import argparse
import os

from ...signals import parse
from ..answers.filters import add_filters, filtered, needed, pids
from ..answers.killing import (
    AFTER_KILL,
    KILL,
    Key,
    Plan,
    Result,
    Self,
    chosen,
    forked_meanwhile,
    key,
    may_grow,
    plan,
    refusal,
)
from ..arguments import seconds
from ..errors import UserError
from ..pidfds import Targets
from ..reading.procfs import HOSTPID, Proc, Process
from ..render.columns import PROCESS, lifted
from ..render.table import Column
from ..view import FOUND, NOTHING, View, add_table_options, require

ROUNDS = 10  # how often it looks for processes that were forked in the meantime


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
    parser.add_argument("pid", nargs="?", metavar="PIDS", type=pids, help="the pids: 1,17")
    parser.add_argument("-t", "--tree", action="store_true", help="also all their descendants")
    parser.add_argument("--dry-run", action="store_true", help="only show whom it would hit")
    parser.add_argument("--signal", metavar="SIG", type=_signal, help="the first signal (TERM)")
    parser.add_argument("--grace", metavar="SECONDS", type=seconds(), help="wait before KILL (5)")
    parser.add_argument("--no-kill", dest="kill", action="store_false", help="do not send KILL")
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
        view.table(COLUMNS, shown, results, remaining=sum(result.remaining for result in results))
    elif options.headers:
        view.print("no process matches")
    return FOUND if any(result.remaining for result in results) else NOTHING


def _rounds(view: View, shown: list[Column[Result]], steps: Plan) -> list[Result]:
    """Look and act. For groups, sessions and trees, repeat that until nobody new is found."""
    options = view.options
    parts = (*view.needs(COLUMNS, shown), *needed(options), HOSTPID)
    again = may_grow(options) and steps.grace is not None
    me = _self()
    first = view.snapshot(parts)
    require(first, options.pid or ())
    new = chosen(options, first)
    there = frozenset(map(key, first))
    seen: set[Key] = set()
    results: list[Result] = []
    for _ in range(ROUNDS if again and not options.dry_run else 1):
        if seen:
            new = forked_meanwhile(options, there, view.snapshot(parts), seen)
        if not new:
            break
        seen.update(map(key, new))
        refused = [refusal(process, me) for process in new]
        results += filter(None, refused)
        targets = [process for process, why in zip(new, refused, strict=True) if why is None]
        if options.dry_run:
            results += (Result(process, "planned", steps.signal) for process in targets)
        else:
            results += carry_out(targets, steps)
    else:
        if again and not options.dry_run:
            view.note("new processes came in every round; run it again, or stop what forks them")
    return results


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
    """Signal, wait, KILL, wait. Return what happened to each process, in the order given."""
    with Targets(processes) as targets:
        targets.send(steps.signal)
        if steps.grace is None:
            return targets.all("sent", steps.signal)
        targets.wait(steps.grace, "ended", steps.signal)
        if steps.kill:
            targets.send(KILL)
            targets.wait(AFTER_KILL, "killed", steps.signal)
        return targets.all("remaining", KILL if steps.kill else steps.signal)
