"""What happens when main is gone: the rest gets TERM, time, then KILL; the exit code is main's."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support import (
    DEADLINE,
    WITHOUT_PROC,
    Placed,
    Running,
    as_pid1,
    children,
    comm,
    descendants,
    entering,
    eventually,
    reaper,
    run,
    running,
    state,
    status,
    trace_lines,
    under_strace,
    victim,
)

pytestmark = pytest.mark.every_form

STUBBORN = " ".join(victim("ignores_term"))


@pytest.mark.parametrize("code", [0, 1, 42, 124, 125, 126, 127, 128, 255])
def test_exit_codes(code: int) -> None:
    assert run(reaper("--", "sh", "-c", f"exit {code}"))[0] == code


@pytest.mark.parametrize("number", [1, 2, 3, 6, 9, 11, 13, 15, 25, 34, 64])
def test_deaths_by_signal(number: int, placed: Placed) -> None:
    code, _, err = run(placed(reaper("--", *victim("dies_by", str(number)))))
    assert code == 128 + number
    assert f"({number}), not sent by us" in err


def test_chld_inherited_as_ignored_loses_no_exit_code(placed: Placed) -> None:
    command = ["sh", "-c", 'trap "" CHLD; exec "$@"', "sh", *reaper("--", "sh", "-c", "exit 3")]
    assert run(placed(["env", *command]))[0] == 3
    code = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, *reaper("--", "sh", "-c", "exit 3")]
    assert run(placed(command))[0] == 3


@pytest.mark.parametrize(
    ("rules", "command", "code"),
    [
        (["-e", "3"], "exit 3", 0),
        (["-e", "3=7"], "exit 3", 7),
        (["-e", "3=7", "-e", "4=8"], "exit 4", 8),
        (["-e", "0=9"], "exit 0", 9),
        (["-e", "137"], "kill -9 $$", 0),
        (["-e", "stop"], "kill -15 $$", 143),
        (["-e", "127=1"], "exec /nowhere", 1),
    ],
)
def test_expect(rules: list[str], command: str, code: int) -> None:
    assert run(reaper(*rules, "--", "sh", "-c", command))[0] == code


def test_expect_stop_is_a_death_by_the_signal_that_was_forwarded() -> None:
    for options, code in ((["-e", "stop"], 0), (["-e", "stop=5"], 5), ([], 143)):
        with running(reaper(*options, "--", "sleep", "60")) as started:
            assert started.main_pid
            started.kill(signal.SIGTERM)
            assert started.finish()[0] == code


def test_helpers_in_other_groups_and_sessions_get_term_then_kill(placed: Placed) -> None:
    helpers = [STUBBORN, f"{STUBBORN} own-group", f"{STUBBORN} own-session"]
    command = placed(reaper("--grace", "0.4", "--", *victim("helper_tree", "5", *helpers)))
    with running(command) as started:
        code, out, err = started.finish()
    assert code == 5
    assert err.count("it outlived --grace") == 3
    assert err.count("(python") == 3
    assert out.count("ready") == 3


def test_it_leaves_the_moment_the_last_one_is_gone(placed: Placed) -> None:
    """The grace is an hour, but the helpers end when they are told: only a failure would wait."""
    helpers = [" ".join(victim("prints_signals"))] * 2
    command = placed(reaper("-v", "--grace", "3600", "--", *victim("helper_tree", "6", *helpers)))
    code, _, err = run(command)
    assert code == 6
    assert "main has exited; sent SIGTERM to the 2 remaining processes, SIGKILL in 3600 s" in err
    assert run(placed(reaper("--grace", "3600", "--", "true")))[0] == 0


@pytest.mark.parametrize("when", [1, 2, 3])
def test_an_error_of_the_kernel_holds_nothing_up(when: int, tmp_path: Path) -> None:
    """Three calls of waitid fail, one in each run: for main's stops, for its zombie, for the next
    child."""
    strace = under_strace(tmp_path / "strace", "waitid", f"waitid:error=ENOMEM:when={when}")
    command = reaper("--trace", "/dev/null", "--", "sh", "-c", "exit 7")
    assert run([*strace, *command])[0] == 7


def test_a_look_that_failed_is_taken_again(tmp_path: Path) -> None:
    strace = under_strace(tmp_path / "strace", "waitid", "waitid:error=ENOMEM:when=1")
    log = tmp_path / "log"
    command = reaper("-v", "--log-file", str(log), "--", *victim("prints_signals"))
    with running([*strace, *command]) as started:
        started.wait_line("ready")
        os.kill(descendants(started.pid)[1], signal.SIGSTOP)
        eventually(lambda: "was stopped by" in log.read_text(), "the stop is told")


@pytest.mark.parametrize(
    ("call", "options", "said"),
    [
        ("waitid", [], ""),
        ("waitid", ["-w"], "zombies cannot be looked at: seccomp has to allow waitid"),
        ("rt_sigtimedwait", [], "signals cannot be waited for"),
    ],
)
def test_a_call_that_seccomp_refuses_holds_no_end_up(
    call: str, options: list[str], said: str, tmp_path: Path
) -> None:
    strace = under_strace(tmp_path / "strace", call, f"{call}:error=EPERM")
    code, _, err = run([*strace, *reaper(*options, "--", "sh", "-c", "sleep 0.1 & exit 3")])
    assert code == 3
    assert said in err and err.count("\n") == bool(said)


def test_without_proc_mains_own_group_is_told() -> None:
    helper = "trap 'echo ended; exit' TERM; echo ready; while :; do /bin/sleep 0.05; done"
    main = 'sh -c "$0" & read line; exit 3'
    with running([*WITHOUT_PROC, *reaper("--", "sh", "-c", main, helper)]) as started:
        started.wait_line("ready")
        started.type_line("end")
        assert started.line() == "ended"
        assert started.finish()[0] == 3


def test_a_grace_of_nothing_leaves_at_once() -> None:
    command = reaper("--grace", "0", "--", *victim("helper_tree", "7", STUBBORN))
    with running(command, stderr=None) as started:
        helper = int(started.wait_line("ready").split()[1])
        code = started.popen.wait(DEADLINE)
        alive = state(helper) not in "XZ"
        os.kill(helper, signal.SIGKILL)
    assert (code, alive) == (7, True)


def test_stopped_helpers_can_end_too(placed: Placed) -> None:
    script = "sleep 60 & kill -STOP $!; exit 4"
    assert run(placed(reaper("--grace", "3600", "--", "sh", "-c", script)))[0] == 4


def insist(started: Running) -> int:
    """Send TERM until one ends the grace; returns the exit code."""

    def ended() -> bool:
        if started.popen.poll() is None:
            with suppress(ProcessLookupError):
                started.kill(signal.SIGTERM)
        return started.popen.poll() is not None

    eventually(ended, "a stop that ends the grace")
    return started.popen.returncode


def test_another_stop_ends_the_grace(placed: Placed) -> None:
    main = ["sh", "-c", f"{STUBBORN} & exec sleep 3600"]
    with running(placed(reaper("--grace", "3600", "--", *main))) as started:
        started.wait_line("ready")
        started.kill(signal.SIGTERM)
        assert insist(started) == 143
        assert "(python3): another stop cut --grace short" in started.finish()[2]


def test_the_first_stop_after_an_end_of_its_own_is_for_the_rest(placed: Placed) -> None:
    main = ["sh", "-c", f"{STUBBORN} & read go; exit 5"]
    with running(placed(reaper("--grace", "3600", "--", *main))) as started:
        started.wait_line("ready")
        started.type_line("go")
        started.wait_line("ignored 15")
        started.kill(signal.SIGINT)
        started.wait_line("ignored 2")
        assert insist(started) == 5


def test_signals_that_are_no_stop_do_not_disturb_the_grace() -> None:
    """They neither cut it short nor reach the rest."""
    main = victim("helper_tree", "5", STUBBORN)
    with running(as_pid1(reaper("-v", "--grace", "3600", "--", *main))) as started:
        started.wait_line("ready")
        eventually(lambda: len(descendants(started.pid)) == 1, "main gone")
        for number in (signal.SIGHUP, signal.SIGUSR1):
            started.kill(number)
        eventually(lambda: not int(status(started.pid)["ShdPnd"], 16), "all taken")
        eventually(lambda: state(started.pid) == "S", "the init at rest")
        [helper] = children(started.pid)
        eventually(lambda: state(helper) == "S", "the helper alive, and at rest")
        os.kill(helper, signal.SIGKILL)
        assert started.finish()[0] == 5


@pytest.mark.parametrize(
    ("options", "number"),
    [
        (["--rewrite", "TERM=WINCH"], signal.SIGTERM),  # Apache's graceful stop
        (["--stop-signals", "USR1,TERM"], signal.SIGUSR1),
        (["--rewrite", "USR2=QUIT"], signal.SIGUSR2),
    ],
)
def test_a_stop_of_any_kind_has_a_clock(options: list[str], number: int, placed: Placed) -> None:
    main = victim("prints_signals", "until", "64")
    with running(placed(reaper("--stop-timeout", "0.2", *options, "--", *main))) as started:
        started.wait_line("ready")
        started.kill(number)
        code, _, err = started.finish()
    assert code == 137 and "it outlived --stop-timeout 0.2" in err


# -- what the log says of a stop

DEAF = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 3600; done"]


def until_said(started: Running, text: str) -> str:
    """Standard error up to a line that holds `text`, that line included."""
    assert started.popen.stderr
    said = ""
    while text not in said:
        line = started.popen.stderr.readline().decode()
        assert line, f"{text!r} is not in {said!r}"
        said += line
    return said


def test_a_stop_that_main_ignores_is_said(placed: Placed) -> None:
    with running(placed(reaper("--", *DEAF))) as started:
        started.wait_line("ready")
        started.kill(signal.SIGTERM)
        said = until_said(started, "ignore")
        assert re.search(
            r"warning: main \(sh, pid \d+\) and 1 more ignore SIGTERM \(15\), so this stop does "
            r"nothing: send another signal with --rewrite, or set --stop-timeout\n",
            said,
        )
        assert said.count("\n") == 1


@pytest.mark.parametrize("vice", ["ignores_term", "prints_signals until 64"])
def test_a_main_that_works_on_is_said_when_half_of_its_time_is_over(
    vice: str, placed: Placed
) -> None:
    """One main has a handler for TERM, the other one blocks TERM and fetches it."""
    main = victim(*vice.split())
    with running(placed(reaper("--stop-timeout", "1", "--", *main))) as started:
        started.wait_line("ready")
        started.kill(signal.SIGTERM)
        code, _, err = started.finish()
    said = r"main \(python3, pid \d+\) is still at work 0\.\d+ s after SIGTERM \(15\), SIGKILL in 0"
    assert code == 137 and re.search(said, err)


def test_a_main_that_works_on_without_a_timeout_is_said_when_asked_for() -> None:
    for options, said in ((["-v"], True), ([], False)):
        with running(as_pid1(reaper(*options, "--", *victim("ignores_term")))) as started:
            started.wait_line("ready")
            started.kill(signal.SIGTERM)
            started.wait_line("ignored 15")
            if said:
                until_said(started, "is still at work 1")
                continue
            # Once main's end has been logged, the look at main has been taken before it.
            eventually(lambda: insist_on_main(started), "the end of main")
            assert "still at work" not in started.finish()[2]


def insist_on_main(started: Running) -> bool:
    os.kill(started.main_pid, signal.SIGKILL)
    return True


def test_the_story_of_a_stop_is_told_at_info() -> None:
    options = ["-v", "--stop-delay", "0.2", "--rewrite", "TERM=INT"]
    command = reaper(*options, "--", *victim("prints_signals", "until", "2"))
    with running(as_pid1(command)) as started:
        started.wait_line("ready")
        started.kill(signal.SIGTERM)
        code, _, err = started.finish()
    assert code == 0
    expected = [
        "options: --log-level info (command line), --stop-delay 0.2 (command line), "
        "--rewrite TERM=INT (command line)",
        "received SIGTERM (15) from outside the container",
        "--stop-delay holds SIGTERM (15) back for 0.2 s, until 2",
        "forwarded SIGTERM (15) as SIGINT (2) to group 2",
        "main (python3, pid 2) exited with code 0",
    ]
    places = [err.find(text) for text in expected]
    assert -1 not in places and places == sorted(places), err


def test_nothing_is_said_of_a_grace_for_nobody() -> None:
    with running(as_pid1(reaper("-v", "--", "true"))) as started:
        code, _, err = started.finish()
    assert code == 0 and "SIGTERM" not in err


def test_every_orphan_that_adopted_end_ends_is_said(placed: Placed) -> None:
    script = "(sleep 3600 & echo $!); read go"
    command = placed(reaper("-v", "--adopted", "end", "--", "sh", "-c", script))
    with running(command) as started:
        started.line()
        said = until_said(started, "--adopted end: sent")
        assert re.search(r"--adopted end: sent SIGTERM \(15\) to orphan \d+ \((sleep|sh)\)\n", said)
        started.type_line("")
        assert started.finish()[0] == 0


# -- who came by docker exec or nsenter

WAITS = ["sh", "-c", "echo up; read line; exit 4"]  # a main that waits for a line
LEAVES_A_HELPER = ["sh", "-c", "setsid sleep 3600 & echo up; read line; exit 4"]


@contextmanager
def entered(started: Running, *words: str) -> Iterator[Running]:
    """A victim that is nobody's child in the namespace; its words are those of a command line."""
    started.wait_line("up")
    with running([*entering(started.pid), *victim(*words)]) as guest:
        guest.wait_line("ready")
        yield guest


@pytest.mark.parametrize("main", [WAITS, LEAVES_A_HELPER], ids=["alone", "with a helper"])
@pytest.mark.parametrize("place", [[], WITHOUT_PROC], ids=["proc", "no proc"])
def test_who_entered_gets_term_and_time(main: list[str], place: list[str]) -> None:
    with running(as_pid1([*place, *reaper("--grace", "3600", "--", *main)])) as started:
        with entered(started, "prints_signals") as guest:
            started.type_line("")
            assert guest.line() == "15"
            assert guest.popen.wait(DEADLINE) == 0
        assert started.finish()[0] == 4


def test_who_entered_and_outlives_the_grace_is_killed_and_named() -> None:
    with running(as_pid1(reaper("--grace", "0.2", "--", *WAITS))) as started:
        with entered(started, "ignores_term") as guest:
            started.type_line("")
            assert guest.popen.wait(DEADLINE) == -signal.SIGKILL  # nsenter ends as its child did
        code, _, err = started.finish()
    assert code == 4 and "(python3): it outlived --grace" in err


# Put before an init, it hides processes that have more capabilities; the init may still kill them.
BLIND = [
    *["sh", "-c", 'mount -o remount,hidepid=2 /proc && exec "$@"', "sh"],
    *["setpriv", "--regid", "65534", "--clear-groups", "--bounding-set=-sys_ptrace"],
]


def test_who_cannot_be_seen_is_not_killed_in_silence() -> None:
    with running(as_pid1([*BLIND, *reaper("--grace", "0.2", "--", *WAITS)])) as started:
        with entered(started, "ignores_term") as guest:
            started.type_line("")
            assert guest.popen.wait(DEADLINE) == -signal.SIGKILL
        code, _, err = started.finish()
    assert code == 4 and err.endswith("killing the rest: it outlived --grace\n")


def test_until_empty_waits_for_who_entered() -> None:
    options = ["--until", "empty", "--grace", "3600"]
    with running(as_pid1(reaper(*options, "--", *WAITS))) as started:
        with entered(started, "prints_signals", "until", "10") as guest:
            started.type_line("")
            eventually(lambda: not children(started.pid), "main gone")
            started.kill(signal.SIGHUP)  # the rest gets it now
            assert guest.line() == "1"
            started.kill(signal.SIGUSR1)
            assert guest.popen.wait(DEADLINE) == 0
        assert started.finish()[0] == 4


def test_the_dead_of_a_parent_outside_are_not_waited_for() -> None:
    """Only the kernel waits for them: a namespace ends when the last zombie in it is reaped."""
    with (
        running(as_pid1(reaper("-v", "--grace", "3600", "--", *WAITS))) as started,
        entered(started, "prints_signals") as guest,
    ):
        [inside] = children(guest.popen.pid)
        os.kill(guest.popen.pid, signal.SIGSTOP)  # so that nsenter does not reap its child
        eventually(lambda: state(guest.popen.pid) == "T", "nsenter stopped")
        os.kill(inside, signal.SIGKILL)
        eventually(lambda: state(inside) == "Z", "a zombie that is not ours")
        started.type_line("")
        assert started.popen.stderr
        said = iter(started.popen.stderr.readline, b"")
        assert any(b"leaving with exit code 4" in line for line in said)
        os.kill(guest.popen.pid, signal.SIGCONT)
        assert started.finish()[0] == 4


def test_nobody_is_asked_for_while_there_are_children(tmp_path: Path) -> None:
    """kill(-1, 0) goes through every process of the namespace, so we call it only at the end."""
    log = tmp_path / "strace"
    strace = under_strace(log, "kill")
    script = "for i in 1 2 3 4 5 6 7 8 9; do (true &); done; exit 4"
    assert run(as_pid1([*strace, *reaper("--", "sh", "-c", script)]))[0] == 4
    assert log.read_text().count("kill(-1, 0)") <= 1


def test_until_empty_outlives_a_main_that_restarts_itself() -> None:
    script = "(sleep 0.3; echo second; exec sleep 0.2) & exit 9"
    with running(as_pid1(reaper("--until", "empty", "--", "sh", "-c", script))) as started:
        code, out, _ = started.finish()
    assert (code, out) == (9, "second\n")


def test_until_empty_passes_signals_to_the_rest_and_stops_when_told(placed: Placed) -> None:
    helper = " ".join(victim("prints_signals", "until", "10"))
    command = placed(reaper("--until", "empty", "--", "sh", "-c", f"{helper} & exit 9"))
    with running(command) as started:
        started.wait_line("ready")
        started.kill(signal.SIGHUP)
        assert started.line() == "1"
        started.kill(signal.SIGTERM)
        assert started.line() in ("15", "18")


def test_adopted_end_terminates_orphans(placed: Placed, tmp_path: Path) -> None:
    """Main lives on; its orphans are told to end, and killed when they do not."""
    trace = tmp_path / "trace"
    script = f"({STUBBORN} & {STUBBORN} own-session & read go); read go; exit 3"
    options = ["--adopted", "end", "--grace", "0.3", "--trace", str(trace)]
    with running(placed(reaper(*options, "--", "sh", "-c", script))) as started:
        for _ in range(2):
            started.wait_line("ready")
        started.type_line("")  # their parent ends
        eventually(lambda: len(descendants(started.pid)) == 1, "orphans gone")
        assert started.finish()[0] == 3  # the end of file lets main end
    told: dict[int, list[str]] = {}
    for event in trace_lines(trace):
        if event["event"] == "signal":
            told.setdefault(event["target"], []).append(event["signal"])
    assert [*told.values()] == [["SIGTERM", "SIGCONT", "SIGKILL"]] * 2


def test_main_dies_with_an_init_that_is_killed() -> None:
    with running(reaper("--", "sleep", "60")) as started:
        main = started.main_pid
        eventually(lambda: comm(main) == "sleep", "exec")
        started.kill(signal.SIGKILL)
        eventually(lambda: state(main) in "XZ", "main gone")


def test_the_init_gets_a_signal_when_its_parent_dies() -> None:
    """It takes the signal as any other: main gets it."""
    inner = " ".join(reaper("-p", "TERM", "--", *victim("prints_signals")))
    with running(["sh", "-c", f"{inner} & wait"]) as started:
        started.wait_line("ready")
        os.kill(started.popen.pid, signal.SIGKILL)
        assert started.line() == str(int(signal.SIGTERM))
