"""From the command line to a running main, then on to the loop.

Until main has started, any failure ends the init with a message and exit code 125.
"""

import posix
import sys

from reaper.init import environment, journal, kernel, launch, proc
from reaper.init import options as opt
from reaper.init.report import Report
from reaper.init.run import Run
from reaper.signals import ACTIONS, NUMBERS, PARENT_DEATH, UNCATCHABLE
from reaper.status import OWN_FAILURE

# The init sets these signals to their default, and main inherits that. CPython ignores the first
# two. If the third were inherited as ignored, exit codes would be lost.
DEFAULT = ("SIGPIPE", "SIGXFSZ", "SIGCHLD")
EXEC_MILLISECONDS = 100  # how long a signal may wait for main's exec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def run(arguments: list[str], inherited: set[int]) -> "NoReturn":
    """Run the init; `inherited` is the signal mask from before everything was blocked."""
    chosen = None
    try:
        kernel.reserve_standard_descriptors()
        chosen = opt.parse(arguments, posix.environ)
        if isinstance(chosen, str):
            _show(chosen)
        run = Run(chosen, posix.getpid(), posix.getppid())
        report = _report(run)
        terminal = kernel.open_terminal()
        _become_parent(run, report)
        counted = run.looks or run.scans or chosen.log_level >= journal.INFO
        born = proc.own_children() if counted else ()
        launched = _launch(run, report, terminal, inherited)
    except opt.UsageError as error:
        _say_last_words(chosen, error.what)
        _give_up(error.what, error.cure)
    except Exception as error:
        what = f"cannot start: {type(error).__name__}: {error}"
        _say_last_words(chosen, what)
        _give_up(what, "please report it")
    launched.is_over(EXEC_MILLISECONDS)
    # Only the one-file form has not loaded it yet. Main already runs while we load it.
    from reaper.init import loop  # noqa: PLC0415

    loop.Init(run, report, terminal, born, launched).run_forever()


def _show(what: str) -> "NoReturn":
    from reaper.init import peers, usage  # noqa: PLC0415

    text = usage.text() if what == "help" else peers.version(sys.argv[0]) + "\n"
    try:
        posix.write(1, text.encode())
    except OSError as error:
        _give_up(f"standard output: {posix.strerror(error.errno or 0)}", "open it")
    kernel.leave(0)


def _say_last_words(chosen: opt.Options | str | None, what: str) -> None:
    """Tell Kubernetes, too. If the command line is wrong, only the variable can name the file."""
    from reaper.init import surroundings  # noqa: PLC0415  not loaded yet in the one-file form

    named = posix.environ.get(b"REAPER_TERMINATION_LOG", b"").decode(errors="surrogateescape")
    path = chosen.termination_log if isinstance(chosen, opt.Options) else named
    surroundings.last_words(path if path == opt.OFF or path.startswith("/") else "", what)


def _give_up(what: str, cure: str) -> "NoReturn":
    journal.complain(what, cure)
    kernel.leave(OWN_FAILURE)


def _report(run: Run) -> Report:
    chosen = run.options
    sink = _open(chosen.log_file, "--log-file")
    if not chosen.trace and chosen.log_format == opt.TEXT:
        return Report(run, journal.Log(sink, chosen.log_level), None)
    from reaper.init import jsonlines  # noqa: PLC0415

    kind = jsonlines.JsonLog if chosen.log_format == opt.JSON else journal.Log
    trace = jsonlines.Trace(_open(chosen.trace, "--trace")) if chosen.trace else None
    return Report(run, kind(sink, chosen.log_level), trace)


def _open(target: str, origin: str) -> journal.Sink:
    try:
        return journal.Sink(target)
    except OSError as error:
        raise opt.UsageError(
            f'{origin}: cannot write to "{target}": {posix.strerror(error.errno or 0)}',
            "give a path that can be written, or fd:N with an open descriptor",
        ) from None


def _become_parent(run: Run, report: Report) -> None:
    for name in DEFAULT:
        kernel.set_default(NUMBERS[name])
    if kernel.has_python_handler(NUMBERS["SIGINT"]):
        kernel.set_default(NUMBERS["SIGINT"])
    if not run.is_pid1:
        error = kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        report.not_pid1(error)
    if number := run.options.parent_death:
        # No program sees KILL or STOP, so the kernel sends these itself. Any other signal is left
        # to the loop, which the kernel tells by PARENT_DEATH.
        uncatchable = ACTIONS[number] == UNCATCHABLE
        error = kernel.prctl(kernel.PR_SET_PDEATHSIG, number if uncatchable else PARENT_DEATH)
        if error:
            what = f"--parent-death cannot be had: {posix.strerror(error)}"
            report.log.warning("parent_death", what)


def _launch(run: Run, report: Report, terminal: int, inherited: set[int]) -> launch.Launch:
    plan = launch.Plan(
        run.options.command,
        blocked=set(kernel.CATCHABLE - inherited),
        fixes=environment.fixes(posix.environ),
        terminal=terminal if kernel.holds_foreground(terminal) else -1,
        bind_to_parent=not run.is_pid1,
    )
    report.start()
    if run.options.trace_mode == opt.EXACT:
        what = "--trace-mode exact is not built in: going on with own"
        report.log.warning("trace_mode", what)
    try:
        launched = launch.start(plan)
    except OSError as error:
        report.cannot_fork(error)
        kernel.leave(OWN_FAILURE)
    run.main_pid = launched.pid
    report.forked(launched.pid)
    return launched
