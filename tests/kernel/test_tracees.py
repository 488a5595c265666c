"""A child that made the init its tracer: only an exit or a death by signal ends anybody.

PTRACE_TRACEME is all that it takes: then waitpid(2) reports stops that nobody asked for.
"""

import os
import signal
import time
from pathlib import Path

import pytest
from support import (
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

pytestmark = pytest.mark.every_form

QUICK = 20.0  # seconds, for what hangs when it fails

# Each way to wait: with waitpid(2), with a look at each zombie, with wait4(2).
WAYS = {
    "waitpid": (),
    "waitid": ("-w", "--log-file", "/dev/null"),
    "wait4": ("--trace", "/dev/null"),
}


@pytest.fixture(params=WAYS)
def options(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return WAYS[request.param]


@pytest.fixture(params=[True, False], ids=["pid1", "subreaper"])
def pid1(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def under_init(pid1: bool, options: tuple[str, ...], *words: str) -> list[str]:
    command = reaper("--grace", "0", *options, "--", *victim("traced", *words))
    return as_pid1(command) if pid1 else command


ENDINGS = {
    "exec": (["execs", "sh", "-c", "echo goes on; exit 3"], 3, "goes on\n"),
    "exec by exec": (["execs", "sh", "-c", "exec echo goes on"], 0, "goes on\n"),
    "a handled signal": (["again", "1"], 0, "goes on\n"),
    "again and again": (["again", "1000"], 0, "goes on\n"),
    "its child ends": (["forks"], 0, "17\ngoes on\n"),
    "its child ends, untold": (["execs", "sh", "-c", "true & wait; echo goes on"], 0, "goes on\n"),
    "an ignored signal": (["raises", str(int(signal.SIGWINCH))], 0, "goes on\n"),
    "a deadly signal": (["raises", str(int(signal.SIGUSR2))], 128 + signal.SIGUSR2, ""),
    "a real-time signal": (["raises", str(int(signal.SIGRTMIN))], 128 + signal.SIGRTMIN, ""),
    "its own SIGTRAP": (["raises", str(int(signal.SIGTRAP))], 128 + signal.SIGTRAP, ""),
    "SIGTRAP by kill": (["kills_itself", str(int(signal.SIGTRAP))], 128 + signal.SIGTRAP, ""),
    "its thread ends": (["ends_a_thread"], 0, "goes on\n"),
    "SIGKILL": (["raises", str(int(signal.SIGKILL))], 128 + signal.SIGKILL, ""),
}


@pytest.mark.parametrize("case", ENDINGS)
def test_main_ends_as_without_an_init(case: str, pid1: bool, options: tuple[str, ...]) -> None:
    words, code, said = ENDINGS[case]
    with running(under_init(pid1, options, *words)) as started:
        assert started.finish(QUICK)[:2] == (code, said)


@pytest.mark.parametrize("case", ENDINGS)
def test_so_does_an_orphan(case: str, pid1: bool, options: tuple[str, ...]) -> None:
    words, _, said = ENDINGS[case]
    with running(under_init(pid1, options, "orphan", *words)) as started:
        assert started.finish(QUICK)[:2] == (7, said)


@pytest.mark.parametrize("action", ["waits", "in_a_thread"])
def test_main_gets_its_signals(action: str, pid1: bool, options: tuple[str, ...]) -> None:
    with running(under_init(pid1, options, action)) as started:
        started.wait_line("ready")
        for _ in range(3):
            started.kill(signal.SIGUSR1)
            assert started.line() == "10"
        started.kill(signal.SIGTERM)
        assert started.finish(QUICK)[:2] == (6, "15\n")


def test_term_ends_what_has_no_handler(pid1: bool, options: tuple[str, ...]) -> None:
    with running(under_init(pid1, options, "idles")) as started:
        started.wait_line("ready")
        started.kill(signal.SIGTERM)
        assert started.finish(QUICK)[0] == 128 + signal.SIGTERM


def tracer(pid: int) -> int:
    return int(status(pid)["TracerPid"])


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP])
def test_a_stop_stays_a_stop(number: int, pid1: bool, options: tuple[str, ...]) -> None:
    with running(under_init(pid1, options, "raises", str(int(number)))) as started:
        main = started.main_pid
        eventually(lambda: state(main) == "T", "stopped, and not by its tracer", QUICK)
        assert tracer(main) == 0
        started.kill(signal.SIGCONT)
        assert started.finish(QUICK)[:2] == (0, "goes on\n")


def test_the_stop_of_main_is_told_as_one(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = under_init(False, ("--trace", str(trace)), "raises", str(int(signal.SIGSTOP)))
    with running(command) as started:
        main = started.main_pid
        eventually(lambda: state(main) == "T", "stopped", QUICK)
        started.kill(signal.SIGCONT)
        assert started.finish(QUICK)[0] == 0
    told = [line for line in trace_lines(trace) if line["pid"] == main]
    kinds = [line["event"] for line in told]
    assert kinds.index("detach") < kinds.index("stop") < kinds.index("exit")
    assert told[kinds.index("detach")]["signal"] == "SIGSTOP"
    assert kinds.count("exit") == kinds.count("reap") == 1


def test_a_stop_of_the_whole_group_lasts(pid1: bool, options: tuple[str, ...]) -> None:
    """Another thread took the signal. The traced thread stops with all others, but gets none."""
    with running(under_init(pid1, options, "in_a_thread")) as started:
        started.wait_line("ready")
        main = started.main_pid
        os.kill(main, signal.SIGTSTP)
        eventually(lambda: set(states(main)) == {"T"}, "all threads stopped", QUICK)
        started.kill(signal.SIGCONT)
        started.kill(signal.SIGTERM)
        assert started.finish(QUICK)[:2] == (6, "15\n")


def states(pid: int) -> list[str]:
    return [state(int(task.name)) for task in Path(f"/proc/{pid}/task").iterdir()]


def test_a_child_that_is_born_traced_goes_on(pid1: bool, options: tuple[str, ...]) -> None:
    """CLONE_PTRACE makes such a child, which begins with a SIGSTOP."""
    with running(under_init(pid1, options, "clones")) as started:
        assert started.finish(QUICK)[:2] == (5, "born\n")


def test_a_thread_that_ends_is_no_process(tmp_path: Path) -> None:
    log, trace = tmp_path / "log", tmp_path / "trace"
    options = ("-w", "--log-file", str(log), "--trace", str(trace))
    with running(under_init(False, options, "ends_a_thread")) as started:
        assert started.finish(QUICK)[0] == 0
    lines = trace_lines(trace)
    assert [line["role"] for line in lines if line["event"] in ("exit", "reap")] == ["main"] * 2
    assert (lines[-1]["adopted"], lines[-1]["reaped"]) == (0, 1)
    assert not log.read_text()


@pytest.mark.parametrize("options", [("-vv",), ("-w",)])
def test_the_log_tells_of_it(options: tuple[str, ...], tmp_path: Path) -> None:
    """Only the debug log and the trace tell of it: it is no warning."""
    log = tmp_path / "log"
    command = under_init(False, (*options, "--log-file", str(log)), "execs", "true")
    assert run(command)[0] == 0
    lines = [line for line in log.read_text().splitlines() if "tracer" in line]
    assert len(lines) == (options == ("-vv",))


def test_a_child_from_before_our_exec(pid1: bool, options: tuple[str, ...]) -> None:
    """The child stopped before the init's exec, so no signal tells the init of that."""
    init = reaper("--grace", "0", *options, "--", "sleep", "60")
    traced = victim("traced", "raises", str(int(signal.SIGWINCH)))
    command = victim("execs_beside", *traced, "--", *init)
    with running(as_pid1(command) if pid1 else command) as started:
        started.wait_line("goes on")


# -- if a system call is refused


def refusing(call: str, tmp_path: Path) -> list[str]:
    """The words to put before the init. strace does not trace children that the init traces."""
    words = under_strace(tmp_path / "strace", call, f"{call}:error=EPERM")
    return [word for word in words if word != "-f"]


@pytest.fixture
def refused(tmp_path: Path) -> list[str]:
    return refusing("ptrace", tmp_path)


def test_where_waitid_is_refused(options: tuple[str, ...], tmp_path: Path) -> None:
    command = under_init(False, options, "again", "3")
    with running([*refusing("waitid", tmp_path), *command]) as started:
        assert started.finish(QUICK)[:2] == (0, "goes on\n")


def test_refused_it_is_left_alone(
    refused: list[str], options: tuple[str, ...], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    command = under_init(False, (*options, "--log-file", str(log)), "waits")
    with running([*refused, *command]) as started:
        main = int(started.line().split()[1])
        init = int(status(main)["PPid"])
        os.kill(init, signal.SIGUSR1)
        eventually(lambda: "made me its tracer" in log.read_text(), "a line in the log", QUICK)
        assert state(main) == "t"
        eventually(lambda: is_idle(init), "no busy loop", QUICK)
        os.kill(main, signal.SIGKILL)
        assert started.finish(QUICK)[0] == 128 + signal.SIGKILL
    assert log.read_text().count("made me its tracer") == 1


def grandchildren(pid: int) -> list[int]:
    return [grandchild for child in children(pid) for grandchild in children(child)]


def is_idle(pid: int) -> bool:
    before = switches(pid)
    time.sleep(0.2)
    return switches(pid) == before


def test_refused_it_hides_no_zombie_behind_it(refused: list[str], options: tuple[str, ...]) -> None:
    """If waitid(2) takes nothing, it finds the same child, the oldest, again and again."""
    orphans = " ".join(victim("double_forks", "250"))
    traced = " ".join(victim("traced", "orphan", "raises", str(int(signal.SIGUSR1))))
    script = f"{traced} & read line; {orphans}; read line"
    init = reaper(*options, "--grace", "0", "--", "sh", "-c", script)
    with running([*refused, *init]) as started:

        def stuck() -> list[int]:  # strace itself forks a little
            return [pid for pid in grandchildren(started.pid) if state(pid) == "t"]

        tracee = eventually(stuck, "stuck", QUICK)[0]
        started.type_line("go on")
        started.wait_line("made 250")
        init_pid = int(status(tracee)["PPid"])
        eventually(lambda: len(children(init_pid)) == 2, "reaped", QUICK)
        assert tracee in children(init_pid)
        os.kill(tracee, signal.SIGKILL)
        eventually(lambda: state(tracee) == "X", "reaped, too", QUICK)
