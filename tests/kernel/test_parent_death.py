"""--parent-death acts on the end of our parent, not on the end of the thread that started us."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support import (
    Running,
    as_pid1,
    children,
    eventually,
    pid_inside,
    reaper,
    running,
    state,
    under_strace,
    victim,
)

pytestmark = pytest.mark.every_form

MAIN = victim("prints_signals")


def dropped(log: Path) -> bool:
    return "dropped SIGTTIN (21)" in log.read_text()


@contextmanager
def started_from_a_thread(*command: str) -> Iterator[Running]:
    """A thread starts the init. PID 1 of their namespace outlives the init's parent, and ends with
    the test."""
    parent = victim("starts_from_a_thread", *command)
    with running(as_pid1(["sh", "-c", '"$@"; sleep 60', "sh", *parent])) as started:
        yield started


def init_of(started: Running) -> int:
    """The pid of the init, while its parent still lives."""
    parent = children(started.pid)[0]
    return children(parent)[0]


@pytest.mark.parametrize(("rewrite", "told"), [("USR2=", "15"), ("TERM=USR1", "10")])
def test_a_threads_end_is_not_the_parents(rewrite: str, told: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = ("-p", "TERM", "-r", rewrite, "-vv", "--log-file", str(log))
    with started_from_a_thread(*reaper(*options, "--", *MAIN)) as started:
        started.wait_line("ready")
        started.type_line("thread")
        started.wait_line("thread ended")
        eventually(lambda: dropped(log), "the kernel's signal")
        assert "parent" not in log.read_text().partition("SIGTTIN")[2]
        started.type_line("process")
        assert started.line() == told
        assert "is gone: acting as on SIGTERM (15)" in log.read_text()


@pytest.mark.parametrize("pid1", [True, False], ids=["pid1", "subreaper"])
def test_a_signal_of_somebody_else_stays_ignored(pid1: bool, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "kill -TTIN $PPID; exec " + " ".join(MAIN)
    command = reaper("-p", "TERM", "-vv", "--log-file", str(log), "--", "sh", "-c", script)
    with running(as_pid1(command) if pid1 else command) as started:
        started.wait_line("ready")
        eventually(lambda: dropped(log), "the signal")
        started.kill(signal.SIGUSR1)
        assert started.line() == "10"


def test_a_parent_outside_the_namespace() -> None:
    """Its pid is 0 for us, before and after its end."""
    command = ["unshare", "--pid", "--fork", "--mount-proc", *reaper("-p", "TERM", "--", *MAIN)]
    with running(command) as started:
        started.wait_line("ready")
        init = started.pid
        try:
            assert pid_inside(init) == 1
            started.popen.kill()
            assert started.line() == "15"
        finally:
            with suppress(ProcessLookupError):
                os.kill(init, signal.SIGKILL)


def test_the_end_while_we_are_stopped() -> None:
    """The SIGCONT removes the kernel's pending signal."""
    with started_from_a_thread(*reaper("-p", "TERM", "--", *MAIN)) as started:
        started.wait_line("ready")
        init = init_of(started)
        os.kill(init, signal.SIGSTOP)
        eventually(lambda: state(init) == "T", "stopped")
        for line in ("thread", "process"):
            started.type_line(line)
        eventually(lambda: init in children(started.pid), "the parent's end")
        os.kill(init, signal.SIGCONT)
        started.wait_line("15")


@pytest.mark.parametrize("number", ["KILL", "9"])
def test_kill_is_left_to_the_kernel(number: str) -> None:
    with started_from_a_thread(*reaper("-p", number, "--", *MAIN)) as started:
        started.wait_line("ready")
        init = init_of(started)
        main = children(init)[0]
        started.type_line("thread")
        eventually(lambda: state(init) in "XZ" and state(main) in "XZ", "killed, and main with it")


def test_an_end_before_the_kernel_was_asked_to_tell(tmp_path: Path) -> None:
    """The parent ends before the init has called prctl(2).

    Main then gets the signal at once, mostly before it has a handler.
    """
    calls, log = tmp_path / "strace", tmp_path / "log"
    slow = under_strace(calls, "getppid,prctl", "prctl:delay_enter=300000")
    slow[slow.index("-f")] = "-D"  # so that the init, not strace, is the child of its starter
    init = reaper("-p", "TERM", "-v", "--log-file", str(log), "--", "sleep", "60")
    script = 'log=$1; shift; "$@" & until grep -q getppid $log; do sleep 0.01; done'
    parent = ["sh", "-c", script, "sh", str(calls), *slow, *init]
    calls.touch()
    with running(as_pid1(["sh", "-c", '"$@"; sleep 60', "sh", *parent])):
        eventually(lambda: log.exists() and "leaving with exit code 143" in log.read_text())
    assert "is gone: acting as on SIGTERM (15)" in log.read_text()
    assert "PR_SET_PDEATHSIG" in calls.read_text()
