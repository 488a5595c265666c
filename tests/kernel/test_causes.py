"""Why a process was killed, in a real cgroup with a limit of memory."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from ctl import control_group, within
from support import (
    PYTHON,
    Running,
    as_pid1,
    children,
    eventually,
    reaper,
    run,
    running,
    trace_lines,
    victim,
)

LIMIT = 48 << 20
HOG = f"exec {PYTHON} -I -S -c 'b = []\nwhile True: b.append(bytearray(4 << 20))' 2>/dev/null"
KILLED = "the kernel has killed 1 process here for want of memory, perhaps this one\n"


pytestmark = pytest.mark.every_form


@pytest.fixture
def group() -> Iterator[Path]:
    with control_group("memory", LIMIT) as made:
        yield made


@pytest.fixture(params=[True, False], ids=["pid1", "subreaper"])
def wrap(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    return as_pid1 if request.param else lambda command: ["env", *command]


def log(group: Path, wrap, script: str, *options: str) -> str:  # type: ignore[no-untyped-def]
    """The log of a run whose main is a shell with this script."""
    command = reaper(*options, "--", "sh", "-c", script)
    return run(within(group, *wrap(command)))[2]


def init_of(started: Running, command: list[str]) -> int:
    """The init's pid as we see it; below `unshare` the init is its child."""
    pid = started.popen.pid
    return eventually(lambda: children(pid), "the init")[0] if "unshare" in command else pid


def test_a_main_that_wanted_too_much(group: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    command = wrap(reaper("-v", "--", "sh", "-c", f"read go; {HOG}"))
    with running(within(group, *command)) as started:
        assert started.popen.stderr
        assert b"memory limit" in started.popen.stderr.readline()  # the count has been read
        started.type_line("")
        err = started.finish()[2]
    assert "was killed by SIGKILL (9) by the kernel: out of memory (limit 48 MiB, peak 48 " in err


def test_a_kill_with_nobody_in_want(group: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    assert log(group, wrap, "kill -KILL $$").endswith("by SIGKILL (9), not sent by us\n")


@pytest.mark.parametrize(
    "script",
    [
        f"({HOG}); kill -KILL $$",
        f"sh -c '({HOG.replace(chr(39), chr(34))}) & wait'; kill -KILL $$",
    ],
    ids=["of main", "of its child"],
)
def test_a_helper_that_was_killed_before_is_not_main(group: Path, wrap, script: str) -> None:  # type: ignore[no-untyped-def]
    """Main reaped a helper that the kernel had killed. Then somebody else killed main."""
    err = log(group, wrap, script)
    assert "out of memory" not in err
    assert err.endswith(f"was killed by SIGKILL (9), not by us; {KILLED}")


def test_a_shell_whose_command_was_killed(group: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    """The shell exits with its command's code, 137; about any other code nothing is said."""
    assert log(group, wrap, "exit 137") == ""
    err = log(group, wrap, f"({HOG}); exit $?")
    assert err.endswith(f" exited with code 137; {KILLED.partition(',')[0]}\n")
    assert "want of memory" not in log(group, wrap, f"({HOG}); exit 3")


def test_a_main_that_was_killed_before_the_count_was_first_read(group: Path) -> None:
    """Then the first count that we read already includes main's own death."""
    late = ["-P", "/proc/self/cgroup", "-e", "inject=open,openat:delay_enter=1500000"]
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", *late]
    err = run(within(group, *strace, *reaper("--", "sh", "-c", HOG)))[2]
    assert err.endswith(f"was killed by SIGKILL (9), not by us; {KILLED}")


def test_a_helper_whose_end_the_kernel_takes(group: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    """Main ignores CHLD: nobody waits for the helper, so main's child_faults do not rise."""
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "if not os.fork(): os.execvp('sh', ['sh', '-c', sys.argv[1]])\n"
        "try: os.wait()\n"
        "except ChildProcessError: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = reaper("--", PYTHON, "-I", "-S", "-c", code, HOG)
    err = run(within(group, *wrap(command)))[2]
    assert err.endswith(f"was killed by SIGKILL (9), not by us; {KILLED}")


# A main that does not reap its helper, and ends as its last argument says. So the init gets both
# zombies together.
LEAVES_HELPER = """
import os, signal, sys
pid = os.fork()
if not pid: os.execvp("sh", ["sh", "-c", sys.argv[1]])
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
exec(sys.argv[2])
"""


def leaves_helper(group: Path, wrap, end: str) -> str:  # type: ignore[no-untyped-def]
    """The log of a run of that main."""
    command = reaper("--", PYTHON, "-I", "-S", "-c", LEAVES_HELPER, HOG, end)
    return run(within(group, *wrap(command)))[2]


def test_a_helper_that_nobody_waits_for(group: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    """Two processes died by KILL, but the count rose only by one."""
    err = leaves_helper(group, wrap, "os.kill(os.getpid(), signal.SIGKILL)")
    assert "out of memory" not in err
    assert "the kernel has killed 1 process here for want of memory" in err


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGUSR1)"])
def test_another_end_of_main_is_not_put_down_to_it(group: Path, wrap, end: str) -> None:  # type: ignore[no-untyped-def]
    """The helper is named, and not main, which ended in another way at the same time."""
    err = leaves_helper(group, wrap, end)
    assert "killed by SIGKILL (9), not by us: " in err
    _, _, of_main = err.partition("main")
    assert "want of memory" not in of_main and "out of memory" not in of_main


def test_an_orphan_is_named_and_main_is_not_taken_for_it(group: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    """The kernel kills the orphan, then somebody kills main: then the count does not rise."""
    command = wrap(reaper("--", "sh", "-c", f"({HOG.removeprefix('exec ')} &) ; read x"))
    with running(within(group, *command)) as started:
        assert started.popen.stderr
        said = started.popen.stderr.readline().decode()
        assert "not by us: " in said and said.endswith(KILLED)
        assert "(python3)" in said or "(sh)" in said
        main = eventually(lambda: children(init_of(started, command)), "main")
        os.kill(main[0], signal.SIGKILL)
        assert started.finish()[2].endswith("by SIGKILL (9), not sent by us\n")


def test_a_child_from_before_us_is_known_for_certain(group: Path) -> None:
    """The init inherits a helper from before its exec, and main waits for no child."""
    script = f'exec 3<&0; (read go <&3; {HOG}) & exec "$@"'
    command = ["sh", "-c", script, "sh", *reaper("-v", "--", *victim("prints_signals"))]
    with running(within(group, *command)) as started:
        assert started.popen.stderr
        started.wait_line("ready")
        assert b"memory limit" in started.popen.stderr.readline()  # the count has been read
        started.type_line("")
        lines = iter(started.popen.stderr.readline, b"")
        said = next(line.decode() for line in lines if b"want of memory" in line)
        assert "reaper: warning: killed by the kernel for want of memory: " in said
        assert said.endswith(" (python3)\n")


def test_our_own_kill_is_said_first(group: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    """Our own kill is what the log says, even if a helper was killed for want of memory."""
    main = f"trap '' TERM; ({HOG}); echo ready; while :; do sleep 1; done"
    command = wrap(reaper("--stop-timeout", "0.2", "--", "sh", "-c", main))
    with running(within(group, *command)) as started:
        started.wait_line("ready")
        os.kill(init_of(started, command), signal.SIGTERM)
        err = started.finish()[2]
    assert "was killed by SIGKILL (9) by us: it outlived --stop-timeout 0.2" in err
    assert "for want of memory" not in err


def test_an_adopted_one_that_we_killed_is_ours(group: Path, tmp_path: Path) -> None:
    """--adopted end kills an orphan after a helper was killed for want of memory: that is ours."""
    trace = tmp_path / "trace"
    stubborn = " ".join(victim("ignores_term"))
    script = f"({HOG}); (({stubborn}) & read go); read go; exit 3"
    options = ["--adopted", "end", "--grace", "0.2", "--trace", str(trace)]
    command = reaper(*options, "--", "sh", "-c", script)
    with running(within(group, *as_pid1(command))) as started:
        started.wait_line("ready")
        started.type_line("")  # the parent of the stubborn process ends
        eventually(
            lambda: any(
                line["event"] == "reap" and line.get("signal") == "SIGKILL"
                for line in trace_lines(trace)
            ),
            "the orphan is killed",
        )
        started.type_line("")
        code, _, err = started.finish()
    assert code == 3
    assert "want of memory" not in err
