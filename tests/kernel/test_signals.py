"""Signals reach main exactly once, whatever it and the others do."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support import (
    Placed,
    as_pid1,
    children,
    eventually,
    reaper,
    run,
    running,
    state,
    status,
    switches,
    trace_lines,
    under_strace,
    victim,
)

from reaper import signals

pytestmark = pytest.mark.every_form

FORWARDED = sorted(
    number
    for number, action in signals.ACTIONS.items()
    if action in (signals.FORWARD, signals.TERMINATE) and number != signal.SIGCONT
)


def test_every_signal_of_the_table_reaches_main_once(placed: Placed) -> None:
    command = reaper("--", *victim("prints_signals", "until", str(signal.SIGKILL)))
    with running(placed(command)) as started:
        started.wait_line("ready")
        for number in FORWARDED:
            started.kill(number)
            assert started.line() == str(number)
            if signals.ACTIONS[number] == signals.TERMINATE:
                assert started.line() == str(int(signal.SIGCONT))
        started.kill(signal.SIGCONT)
        assert started.line() == str(int(signal.SIGCONT))
        for number in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD, signal.SIGUSR1):
            started.kill(number)
        assert started.line() == str(int(signal.SIGUSR1))  # and nothing of the three before it


def test_real_time_signals_come_one_for_one_and_in_order() -> None:
    last = signal.SIGRTMIN + 9
    with running(
        as_pid1(reaper("--", *victim("prints_signals", "until", str(int(last)))))
    ) as started:
        started.wait_line("ready")
        os.kill(started.pid, signal.SIGSTOP)  # let them queue up
        eventually(lambda: state(started.pid) == "T", "the init stopped")
        sent = [signal.SIGRTMIN + n % 9 for n in range(100)]
        for number in sent:
            started.kill(number)
        os.kill(started.pid, signal.SIGCONT)
        started.kill(last)
        got = []
        while (line := started.line()) != str(int(last)):
            got += [int(line)] if line != str(int(signal.SIGCONT)) else []
    assert got == sorted(map(int, sent))


def test_libc_signals_are_never_touched() -> None:
    with running(as_pid1(reaper("-vv", "--", "sleep", "60"))) as started:
        main = started.main_pid
        # glibc blocks all of them for the time of its fork(2), in which nothing sleeps.
        eventually(lambda: state(started.pid) == "S", "the init at rest")
        blocked = _mask(started.pid, "SigBlk")
        assert not blocked & (1 << 31 | 1 << 32)
        assert _mask(main, "SigIgn") >> 31 & 3 == _mask(os.getpid(), "SigIgn") >> 31 & 3
        started.kill(signal.SIGTERM)
        code, _, err = started.finish()
    assert code == 143
    assert "invalid signal" not in err


def _mask(pid: int, name: str) -> int:
    return int(status(pid)[name], 16)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_before_main_exists_waits_for_it(number: int) -> None:
    """The signal is sent before the init's own exec. A blocked signal stays pending across exec."""
    script = (
        "import os, signal, sys\n"
        f"signal.pthread_sigmask(signal.SIG_BLOCK, [{number}])\n"
        f"os.kill(os.getpid(), {number})\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", script, *reaper("--", *victim("prints_signals"))]
    with running(as_pid1(command)) as started:
        started.wait_line("ready")
        assert started.line() == str(int(number))


def test_a_signal_between_fork_and_exec_reaches_main(tmp_path: Path) -> None:
    """strace holds the child back before setpgid and before exec; the signal comes meanwhile."""
    log = tmp_path / "strace"
    delays = ["setpgid:delay_enter=300ms:when=1", "execve:delay_enter=300ms:when=2"]
    strace = under_strace(log, "fork,clone,vfork,setpgid,execve", *delays)
    with running([*strace, *reaper("--", "sleep", "60")]) as started:
        init = eventually(lambda: _pid_of(log, "clone(|fork("), "fork")
        os.kill(init, signal.SIGTERM)
        assert started.finish()[0] == 143


def test_a_signal_before_there_is_a_group_reaches_main(tmp_path: Path) -> None:
    """kill(2) says ESRCH, as if main had no group yet. When the init then asks, main has one."""
    strace = under_strace(tmp_path / "strace", "kill", "kill:error=ESRCH:when=1")
    with running([*strace, *reaper("--", *victim("prints_signals"))]) as started:
        started.wait_line("ready")
        os.kill(children(started.pid)[0], signal.SIGUSR1)
        assert started.line() == str(int(signal.SIGUSR1))


@pytest.mark.parametrize("call", ["pidfd_open", "pidfd_send_signal", "getpgid"])
def test_a_call_that_seccomp_refuses_loses_no_signal(call: str, tmp_path: Path) -> None:
    """libseccomp's answer to a call that it does not know is EPERM."""
    strace = under_strace(tmp_path / "strace", call, f"{call}:error=EPERM")
    scope = "tree" if call.startswith("pidfd") else "group"
    with running([*strace, *reaper("--scope", scope, "--", *victim("prints_signals"))]) as started:
        started.wait_line("ready")
        for number in (signal.SIGUSR1, signal.SIGTERM):
            os.kill(children(started.pid)[0], number)
            assert started.line() == str(int(number))
        assert started.finish() == (0, "", "")


def test_a_child_that_is_stopped_before_exec_is_not_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "strace"
    strace = under_strace(log, "fork,clone,vfork,setpgid", "setpgid:signal=SIGSTOP:when=1")
    with running([*strace, *reaper("--", "sleep", "60")]) as started:
        init = eventually(lambda: _pid_of(log, "clone(|fork("), "fork")
        # /proc shows `t` at every system call that strace looks at.
        eventually(lambda: "--- stopped by SIGSTOP" in log.read_text(), "the child is stopped")
        os.kill(init, signal.SIGTERM)
        assert started.finish()[0] == 143


def _pid_of(log: Path, calls: str) -> int:
    for line in log.read_text().splitlines() if log.exists() else []:
        pid, _, call = line.partition(" ")
        if any(call.strip().startswith(name) for name in calls.split("|")):
            return int(pid)
    return 0


def test_a_stopped_main_can_be_terminated() -> None:
    with running(as_pid1(reaper("--", "sleep", "60"))) as started:
        main = started.main_pid
        os.kill(main, signal.SIGSTOP)
        eventually(lambda: state(main) == "T", "stopped")
        started.kill(signal.SIGTERM)
        assert started.finish()[0] == 143


def test_the_group_gets_it_and_with_c_only_main() -> None:
    script = "trap 'echo helper; exit' USR1; echo ready; while :; do /bin/sleep 0.05; done"
    main = "trap 'echo main' USR1; (/bin/sh -c \"$1\") & while :; do /bin/sleep 0.05; done"
    for scope, helper_too in (("group", True), ("main", False), ("tree", True)):
        command = as_pid1(reaper("--scope", scope, "--", "sh", "-c", main, "x", script))
        with running(command) as started:
            started.wait_line("ready")
            started.kill(signal.SIGUSR1)
            got = {started.line()}
            if helper_too:
                got.add(started.line())
            assert got == ({"main", "helper"} if helper_too else {"main"})


def test_tree_reaches_other_sessions_and_group_does_not() -> None:
    own = " ".join(victim("prints_signals"))
    for scope, times in (("tree", 2), ("group", 1)):
        script = f"setsid {own} & exec {own}"
        with running(
            as_pid1(reaper("--scope", scope, "--grace", "0", "--", "sh", "-c", script))
        ) as started:
            assert [started.line(), started.line()] == ["ready", "ready"]
            started.kill(signal.SIGUSR1)
            assert [started.line() for _ in range(times)] == ["10"] * times
            started.kill(signal.SIGTERM)
            code, out, _ = started.finish()
            assert (code, "10" in out.split()) == (0, False)


@pytest.mark.parametrize(
    ("rule", "sent", "got"),
    [
        ("TERM=USR1", 15, "10"),
        ("15:2", 15, "2"),
        ("SIGHUP=SIGQUIT", 1, "3"),
        ("RTMIN=RTMAX-1", 34, "63"),
    ],
)
def test_rewrite(rule: str, sent: int, got: str) -> None:
    with running(reaper("-r", rule, "--", *victim("prints_signals"))) as started:
        started.wait_line("ready")
        started.kill(sent)
        assert started.line() == got


def test_rewrite_to_nothing_drops() -> None:
    with running(reaper("-r", "HUP=", "--", *victim("prints_signals"))) as started:
        started.wait_line("ready")
        started.kill(signal.SIGHUP)
        started.kill(signal.SIGUSR1)
        assert started.line() == str(int(signal.SIGUSR1))


def test_a_setuid_main_is_refused_once_and_ends_nothing(open_path: Path) -> None:
    """Without CAP_KILL an init of another user may not signal a root process: EPERM."""
    script = "import os, signal; print('ready', flush=True); signal.pause()"
    program = open_path / "python"
    program.write_bytes(Path(os.path.realpath("/usr/bin/python3")).read_bytes())
    program.chmod(0o4755)
    code = "import os; os.setuid(0); " + script
    drop = [
        "setpriv",
        "--reuid=12345",
        "--regid=12345",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-kill",
    ]
    with running(as_pid1([*drop, *reaper("--", str(program), "-I", "-c", code)])) as started:
        started.wait_line("ready")
        for _ in range(2):
            started.kill(signal.SIGHUP)
            eventually(lambda: not _mask(started.pid, "ShdPnd"), "taken")
        eventually(lambda: state(started.pid) == "S", "both handled")
        os.kill(started.main_pid, signal.SIGTERM)
        exit_code, _, err = started.finish()
    assert exit_code == 143
    assert err.count("not allowed to send SIGHUP (1)") == 1
    assert "internal error" not in err


def test_main_that_joined_another_group_is_still_reached() -> None:
    script = (
        "import os, signal\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os.setpgid(0, 0); print('ready', flush=True); signal.pause()\n"
        "while os.getpgid(child) != child: pass\n"
        "os.setpgid(0, child)\n"
        "signal.pause()\n"
    )
    with running(as_pid1(reaper("--", sys.executable, "-c", script))) as started:
        started.wait_line("ready")
        main = started.main_pid
        eventually(lambda: os.getpgid(main) != main, "other group")
        started.kill(signal.SIGUSR1)
        assert started.finish()[0] == 128 + signal.SIGUSR1


def test_kill_minus_one_is_never_used_when_not_pid_1(tmp_path: Path) -> None:
    log = tmp_path / "strace"
    command = [*under_strace(log, "kill"), *reaper("--grace", "0.1", "--")]
    main = victim("helper_tree", "3", " ".join(victim("ignores_term")))
    code = run(as_pid1([*command, *main]))[0]  # strace is PID 1 there, and nobody else is in reach
    assert code == 3
    assert "kill(-1," not in log.read_text()


def test_nested_inits_pass_a_signal_on() -> None:
    with running(as_pid1(reaper("--", *reaper("--", *victim("prints_signals"))))) as started:
        started.wait_line("ready")
        started.kill(signal.SIGUSR1)
        assert started.line() == str(int(signal.SIGUSR1))
        started.kill(signal.SIGTERM)
        assert started.finish()[0] == 0


def test_a_stop_delay_holds_the_first_termination_and_a_second_cuts_it_short() -> None:
    with running(reaper("--stop-delay", "60", "--", *victim("prints_signals"))) as started:
        started.wait_line("ready")
        started.kill(signal.SIGTERM)
        started.kill(signal.SIGUSR1)  # not held
        assert started.line() == str(int(signal.SIGUSR1))
        eventually(lambda: not _mask(started.pid, "ShdPnd"), "both taken")
        started.kill(signal.SIGTERM)
        assert started.line() == str(int(signal.SIGTERM))
        assert started.finish()[0] == 0


def test_a_stop_timeout_kills_a_group_that_does_not_end(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    options = ["--stop-timeout", "0.3", "--trace", str(trace)]
    with running(as_pid1(reaper(*options, "--", *victim("ignores_term")))) as started:
        started.wait_line("ready")
        started.kill(signal.SIGTERM)
        code, _, err = started.finish()
    assert code == 137 and "by us: it outlived --stop-timeout 0.3" in err
    told = trace_lines(trace)
    sent = [event["signal"] for event in told if event.get("direction") in ("forwarded", "sent")]
    assert sent == ["SIGTERM", "SIGCONT", "SIGKILL"]


def test_an_idle_init_does_not_wake() -> None:
    with running(as_pid1(reaper("--", *victim("prints_signals")))) as started:
        started.wait_line("ready")
        eventually(lambda: state(started.pid) == "S", "idle")
        before = switches(started.pid)
        subprocess.run(["sleep", "1.2"], check=True)  # longer than a second, after which tini wakes
        assert switches(started.pid) == before


@pytest.mark.parametrize("scope", ["group", "main", "tree"])
def test_a_main_whose_main_thread_has_ended_gets_them(scope: str) -> None:
    """/proc calls it Z, and it lives."""
    with running(as_pid1(reaper("--scope", scope, "--", *victim("ends_main_thread")))) as started:
        started.wait_line("ready")
        eventually(lambda: state(started.main_pid) == "Z")
        started.kill(signal.SIGTERM)
        assert started.finish() == (128 + signal.SIGTERM, "", "")


def test_a_signal_that_is_only_passed_on_costs_three_system_calls(tmp_path: Path) -> None:
    """A wait, a kill, and a look whether main is still in its group."""
    log = tmp_path / "strace"
    command = under_strace(log, "all") + reaper("--", *victim("prints_signals"))
    with running(command) as started:
        started.wait_line("ready")
        [init] = children(started.pid)
        for _ in range(20):
            eventually(lambda: state(init) == "S", "the init asleep, its round over")
            os.kill(init, signal.SIGUSR1)
            assert started.line() == str(int(signal.SIGUSR1))
        os.kill(init, signal.SIGTERM)
        assert started.finish()[0] == 0
    begun = [line.split(maxsplit=1)[1].partition("(")[0] for line in log.read_text().splitlines()
             if line.startswith(f"{init} ") and "resumed" not in line]  # fmt: skip
    calls = [name for name in begun if name.isidentifier()]  # a line can also be about a signal
    kills = [at for at, name in enumerate(calls) if name == "kill"]
    each = dict.fromkeys(("rt_sigtimedwait", "kill", "getpgid"), 10)
    assert Counter(calls[kills[5] : kills[15]]) == each
