"""Every orphan is reaped, and no number of them delays anything else."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from support import (
    Placed,
    Running,
    as_pid1,
    children,
    eventually,
    reaper,
    run,
    running,
    state,
    trace_lines,
    under_strace,
    victim,
)

pytestmark = pytest.mark.every_form
LISTEN = ("prints_signals", "until", str(int(signal.SIGKILL)))


def zombies(pid: int) -> list[int]:
    return [child for child in children(pid) if state(child) == "Z"]


@pytest.mark.parametrize(
    "options", [(), ("--trace", "/dev/null"), ("-w", "--log-file", "/dev/null")]
)
def test_orphans_are_reaped(options: tuple[str, ...], placed: Placed) -> None:
    command = reaper(
        *options, "--", "sh", "-c", '"$@"; read line', "sh", *victim("double_forks", "23")
    )
    with running(placed(command)) as started:
        started.wait_line("made 23")
        eventually(lambda: len(children(started.pid)) == 1, "reaped")
        assert started.popen.poll() is None


def test_without_an_init_they_stay_zombies() -> None:
    """The test above can fail: a PID 1 that never waits."""
    with running(as_pid1(["sleep", "60"])) as started:
        enter = ["nsenter", "-t", str(started.pid), "-p", "--", *victim("double_forks", "23")]
        assert run(enter)[0] == 0
        eventually(lambda: len(zombies(started.pid)) == 23, "zombies")


def test_3000_orphans_at_once(tmp_path: Path) -> None:
    """They are told to end together, and are counted in the trace: 3,000 of 3,000."""
    trace = tmp_path / "trace"
    command = reaper("--trace", str(trace), "--", *victim("double_forks", "3000", "60"))
    with running(as_pid1(command)) as started:
        assert started.finish(timeout=100)[0] == 0  # 6,000 forks of Python
    told = trace_lines(trace)
    orphans = [event for event in told if event["event"] == "reap" and event["role"] == "orphan"]
    assert len(orphans) == len({event["pid"] for event in orphans}) == 3000
    assert told[-1]["adopted"] == 3000


@pytest.mark.parametrize("options", [(), ("--trace", "/dev/null")])
def test_a_flood_of_orphans_does_not_delay_a_signal(options: tuple[str, ...]) -> None:
    """Real-time signals stand behind SIGCHLD in the queue."""
    main = victim("prints_signals", "until", str(int(signal.SIGRTMIN + 1)))
    flood = victim("floods", "4", "0")
    script = f"{' '.join(flood)} & exec {' '.join(main)}"
    with running(as_pid1(reaper(*options, "--grace", "0", "--", "sh", "-c", script))) as started:
        assert {started.line(), started.line()} == {"ready", "flooding"}
        for _ in range(20):
            started.kill(signal.SIGRTMIN)
            assert next_but_chld(started) == str(int(signal.SIGRTMIN))
        started.kill(signal.SIGRTMIN + 1)
        assert started.finish()[0] == 0


def next_but_chld(started: Running) -> str:
    """The forkers are main's own children, so it may see a SIGCHLD."""
    while (line := started.line()) == str(int(signal.SIGCHLD)):
        pass
    return line


def test_a_signal_waits_for_a_batch_and_not_for_the_backlog(tmp_path: Path) -> None:
    """400 dead orphans come at once, and a signal after the tenth is reaped; the trace has their
    order."""
    trace = tmp_path / "trace"
    log = tmp_path / "strace"
    strace = under_strace(log, "wait4", "wait4:signal=SIGSTOP:when=10")
    leak, main = (" ".join(victim(*words)) for words in (("never_waits", "400"), LISTEN))
    command = reaper("--trace", str(trace), "--", "sh", "-c", f"{leak} & exec {main}")
    with running([*strace, *command]) as started:
        assert {started.line(), started.line()} == {"ready"}
        [init] = children(started.pid)
        [main_pid] = children(init)
        [parent] = children(main_pid)
        os.kill(parent, signal.SIGKILL)
        eventually(lambda: "--- stopped by SIGSTOP" in log.read_text(), "the init stopped")
        for number in (signal.SIGRTMIN, signal.SIGCONT):
            os.kill(init, number)
        started.wait_line(str(int(signal.SIGRTMIN)))
        eventually(lambda: children(init) == [main_pid], "all reaped")
        told = eventually(lambda: told_of_signal(trace), "the signal in the trace")
    order = [event["event"] for event in told if event["event"] == "reap" or is_sent_on(event)]
    assert order.count("reap") == 400 and order.count("signal") == 1
    assert order.index("signal") <= 100  # one batch; without a bound all


def told_of_signal(trace: Path) -> list[dict[str, Any]]:
    """The trace, once it says that the signal was forwarded to main."""
    told = trace_lines(trace)
    return told if any(map(is_sent_on, told)) else []


def is_sent_on(event: dict[str, Any]) -> bool:
    return event.get("direction") == "forwarded" and event["signal"] == "SIGRTMIN"


def test_a_flood_of_orphans_while_main_ends() -> None:
    """Batches are bounded: the deadlines hold while orphans come faster than they are reaped."""
    with running(as_pid1(reaper("--grace", "0.5", "--", *victim("floods", "8", "0.5")))) as started:
        started.wait_line("flooding")
        assert started.finish()[0] == 7


def test_a_stopped_child_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "echo ready; read line; sleep 60 & kill -STOP $!; kill -STOP $$; read line; exit 3"
    command = reaper("-v", "--log-file", str(log), "--grace", "0", "--", "sh", "-c", script)
    with running(as_pid1(command)) as started:
        started.wait_line("ready")
        main = started.main_pid
        started.kill(signal.SIGSTOP)  # so that the init finds main's stop and our CONT together
        eventually(lambda: state(started.pid) == "T", "the init stopped")
        started.type_line("stop")
        eventually(lambda: state(main) == "T", "stopped")
        started.kill(signal.SIGCONT)
        eventually(lambda: "was continued" in log.read_text(), "the log")
        assert started.finish()[0] == 3
    assert "was stopped by SIGSTOP (19)" in log.read_text()


def test_children_from_before_our_exec_are_no_orphans() -> None:
    script = 'true & exec "$@"'
    command = ["sh", "-c", script, "sh", *reaper("-w", "--", "sleep", "0.2")]
    assert run(as_pid1(command)) == (0, "", "")


def test_the_proc_of_another_namespace_is_as_good_as_none(tmp_path: Path) -> None:
    """Its numbers mean other processes. With a trace, each wake-up looks for new children."""
    trace = tmp_path / "trace"
    command = reaper("--trace", str(trace), "--adopted", "end", "--", *victim("prints_signals"))
    with running(["unshare", "--pid", "--fork", "--kill-child", *command]) as started:
        started.wait_line("ready")
        for number in (signal.SIGUSR1, signal.SIGTERM):
            started.kill(number)
            assert started.line() == str(int(number))
        assert started.finish()[0] == 0
    kinds = [event["event"] for event in trace_lines(trace)]
    assert "signal" in kinds and "adopt" not in kinds


def test_main_in_a_pid_namespace_below_ours() -> None:
    """There its parent has the number 0."""
    command = ["unshare", "--pid", *reaper("--", "sh", "-c", "echo hi; exit 3")]
    assert run(command) == (3, "hi\n", "")


def test_children_from_before_our_exec_are_reaped_too(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = reaper("--trace", str(trace), "--", "sh", "-c", "sleep 0.3; exit 2")
    assert run(["sh", "-c", 'sleep 0.1 & exec "$@"', "sh", *command])[0] == 2
    roles = [event.get("role") for event in trace_lines(trace)]
    assert "other" in roles
