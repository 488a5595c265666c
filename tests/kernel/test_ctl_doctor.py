"""Each finding of the doctor, in the situation that it describes; and none if all is well.

The situations are made in PID namespaces; the doctor looks in from outside with --root. What the
machine's control groups say is left to the recorded trees.
"""

import ctypes
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import builds
import pytest
from ctl import SIZE, findings, reaperctl, root, rows, without_sizes
from support import (
    Running,
    as_pid1,
    children,
    comm,
    entering,
    eventually,
    pid_inside,
    reaper,
    run,
    running,
    state,
    victim,
    wchan,
)

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
PYTHON = Path(sys.executable).resolve().name
MACHINE = "oom-kills,memory-limit,pids-limit"
OTHERS = ("--ignore", f"{MACHINE},rss-misleads")
HINT = 'start it under an init: ENTRYPOINT ["/opt/reaper/reaper", "--", ...] or docker run --init'


@contextmanager
def container(*command: str) -> Iterator[Running]:
    """A command as PID 1 of its namespace, ready."""
    with running(as_pid1(command)) as started:
        started.wait_line("ready")
        yield started


def zombies(title: str, oldest: str, cause: str, cure: str) -> str:
    """The whole text of the finding about zombies."""
    return (
        f"{title} [zombies]\n"
        f"  seen   the oldest, {oldest}, was started AGE ago; each holds a pid until its parent "
        f"waits for it.\n  cause  {cause}.\n  do     {cure}.\n"
    )


def has_a_healthy_init(*command: str) -> None:
    with container(*command, "--", "sh", "-c", "echo ready; sleep 60; true") as started:
        eventually(lambda: children(started.main_pid), "sleep")
        assert findings("--root", root(started.pid), *OTHERS) == (
            "nothing found: 3 processes looked at\n"
        )


@pytest.mark.all_forms
@pytest.mark.parametrize("form", builds.FORMS)
def test_nothing_is_found_in_a_healthy_container(form: str) -> None:
    has_a_healthy_init(*builds.command(form))


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("tini-static-amd64", "/usr/bin/tini"),
        ("dumb-init_1.2.5_x86_64", "/usr/bin/dumb-init"),
        ("catatonit.x86_64", "/usr/bin/catatonit"),
    ],
)
def test_an_init_under_the_name_of_its_release(name: str, program: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to(program)
    has_a_healthy_init(str(tmp_path / name))


@pytest.mark.all_forms
def test_the_static_file_of_a_release(tmp_path: Path) -> None:
    (tmp_path / "reaper-0.1.0-linux-amd64").symlink_to(builds.built("static"))
    has_a_healthy_init(str(tmp_path / "reaper-0.1.0-linux-amd64"))


@pytest.mark.all_forms
def test_an_init_in_a_zipapp_of_a_release(tmp_path: Path) -> None:
    *python, program = builds.command("zipapp")
    (tmp_path / "reaper-0.1.0.pyz").symlink_to(program)
    has_a_healthy_init(*python, str(tmp_path / "reaper-0.1.0.pyz"))


def test_children_that_ended_just_now_are_no_leak() -> None:
    busy = "echo ready; while true; do /bin/true; done"
    with container(*reaper("--", "sh", "-c", busy)) as started:
        for _ in range(5):
            found = findings("--root", root(started.pid), *OTHERS)
            assert found.startswith("nothing found")


def test_an_entrypoint_that_never_waits() -> None:
    with container(*victim("never_waits", "3")) as started:
        name, oldest = comm(started.pid), pid_inside(children(started.pid)[0])
        assert findings("--root", root(started.pid), "--ignore", OTHERS[1] + ",deaf") == zombies(
            f"WARNING  3 zombies of PID 1 ({name})",
            f"{name} ({oldest})",
            f"PID 1 ({name}) is not an init: it does not wait for processes that it started or "
            "adopted",
            f"{HINT}; it must still wait for the children that it starts itself",
        )


RESTART = "no init can help while it lives, but a restart of {who} clears them"


@pytest.mark.parametrize(
    ("how", "cause", "cure"),
    [
        ("", "{who} never waits for its children", "fix {who}: wait for every child; " + RESTART),
        (
            "ignore",
            "{who} ignores SIGCHLD and never waits; these ended before it began to ignore it",
            "fix {who}: ignore SIGCHLD before the first fork, or wait; " + RESTART,
        ),
        (
            "block",
            "{who} blocks SIGCHLD and does not wait",
            "fix {who}: wait for every child; " + RESTART,
        ),
        (
            "handle",
            "{who} catches SIGCHLD, but does not wait for all: children that end together send it "
            "once",
            "fix {who}: its handler must repeat waitpid(-1, WNOHANG) until nothing is left; "
            + RESTART,
        ),
    ],
)
def test_a_program_that_never_waits(how: str, cause: str, cure: str) -> None:
    with container(*reaper("--", *victim("never_waits", "3", how))) as started:
        name = comm(started.main_pid)
        pid, oldest = pid_inside(started.main_pid), pid_inside(children(started.main_pid)[0])
        who = f"{name} ({pid})"
        assert findings("--root", root(started.pid), *OTHERS) == zombies(
            f"WARNING  3 zombies of PID {pid} ({name})",
            f"{name} ({oldest})",
            cause.format(who=who),
            cure.format(who=who),
        )


def test_a_parent_that_is_stopped() -> None:
    with container(*reaper("--", *victim("never_waits", "2"))) as started:
        main = started.main_pid
        pid, name = pid_inside(main), comm(main)
        os.kill(main, signal.SIGSTOP)
        eventually(lambda: state(main) == "T")
        oldest = pid_inside(children(main)[0])
        assert findings("--root", root(started.pid), *OTHERS) == zombies(
            f"WARNING  2 zombies of PID {pid} ({name})",
            f"{name} ({oldest})",
            f"{name} ({pid}) is stopped, so it cannot wait",
            f"continue it: kill -CONT {pid}",
        )


def test_a_parent_that_a_debugger_holds() -> None:
    with container(*reaper("--", *victim("never_waits", "1"))) as started:
        main = started.main_pid
        pid, name, oldest = pid_inside(main), comm(main), pid_inside(children(main)[0])
        ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        assert ptrace(PTRACE_ATTACH, main, None, None) == 0
        try:
            eventually(lambda: state(main) == "t")
            assert findings("--root", root(started.pid), *OTHERS) == zombies(
                f"WARNING  1 zombie of PID {pid} ({name})",
                f"{name} ({oldest})",
                f"a debugger holds {name} ({pid}), so it cannot wait",
                f"let the debugger go on, or end it (TracerPid in /proc/{pid}/status)",
            )
        finally:
            ptrace(PTRACE_DETACH, main, None, None)


def test_an_init_that_does_not_get_to_it(tmp_path: Path) -> None:
    tini = tmp_path / "tini"
    tini.symlink_to(Path(sys.executable).resolve())
    with container(str(tini), *victim("never_waits", "120")[1:]) as started:
        oldest = pid_inside(children(started.pid)[0])
        assert findings("--root", root(started.pid), "--ignore", OTHERS[1] + ",deaf") == zombies(
            "CRITICAL  120 zombies of PID 1 (tini)",
            f"tini ({oldest})",
            "PID 1 (tini) is an init, but does not wait for them",
            "report it as a bug of PID 1 (tini), with the output of reaperctl show 1",
        )


def test_a_name_commands_no_terminal(tmp_path: Path) -> None:
    python, *words = victim("never_waits", "3")
    odd = tmp_path / "\x1b[2J\n"
    odd.symlink_to(python)
    with container(str(odd), *words) as started:
        for view in ("doctor", "zombies"):
            out = reaperctl(view, "--root", root(started.pid))[1]
            assert "PID 1 (\\x1b[2J\\n)" in out and "\x1b" not in out


def test_a_parent_outside() -> None:
    with container(*reaper("--", "sh", "-c", "echo ready; sleep 60; true")) as started:
        enter = [*entering(started.pid), "sh", "-c", "echo in; read x"]
        with running(enter) as entered:
            entered.wait_line("in")
            (dead,) = children(entered.pid)
            pid = pid_inside(dead)
            os.kill(entered.pid, signal.SIGSTOP)
            eventually(lambda: state(entered.pid) == "T")
            os.kill(dead, signal.SIGKILL)
            eventually(lambda: state(dead) == "Z")
            assert findings("--root", root(started.pid), *OTHERS) == zombies(
                "WARNING  1 zombie of a hidden parent",
                f"sh ({pid})",
                "their parent is outside this PID namespace (docker exec, nsenter) or hidden",
                "look there: the container engine, or whoever entered, has to wait",
            )


def test_a_process_in_d() -> None:
    with container(*reaper("--", *victim("vforks"))) as started:
        main = started.main_pid
        eventually(lambda: state(main) == "D")
        command = " ".join(victim("vforks"))
        shown = command if len(command) <= 60 else command[:59] + "…"
        where = eventually(lambda: wchan(main), "asleep")
        pid = pid_inside(main)
        assert findings("--root", root(started.pid), *OTHERS) == (
            f"CRITICAL  {comm(main)} ({pid}) is stuck in the kernel [uninterruptible]\n"
            f"  seen   state D for AGE, in {where}: {shown}.\n"
            "  cause  it waits for a disk, a network file system, a frozen control group or a "
            "driver; no signal gets through, not even KILL.\n"
            "  do     bring back what it waits for; a restart of the container would hang as "
            "well.\n"
        )


def test_a_shell_as_entrypoint_that_does_not_forward() -> None:
    script = "echo ready; sleep 60; true"
    with container("sh", "-c", script) as started:
        child = pid_inside(eventually(lambda: children(started.pid))[0])
        eventually(lambda: comm(children(started.pid)[0]) == "sleep")
        assert findings("--root", root(started.pid), *OTHERS) == (
            "WARNING  a shell is PID 1 and does not forward SIGTERM [shell-entrypoint]\n"
            f"  seen   PID 1 is sh -c {script}; it has no trap for SIGTERM, and sleep ({child}) "
            "is its child.\n"
            "  cause  the kernel drops a signal that PID 1 does not catch, so a stop does nothing "
            "until its timeout, then everything is killed.\n"
            "  do     use the exec form of ENTRYPOINT, begin the last line of the script with "
            f"exec, or {HINT}.\n"
        )


def test_a_shell_with_a_trap_is_well() -> None:
    with container("sh", "-c", "trap 'exit 0' TERM; echo ready; sleep 60 & wait") as started:
        assert findings("--root", root(started.pid), *OTHERS).startswith("nothing found")


def test_a_pid_1_without_a_handler_for_term() -> None:
    with running(as_pid1(["sleep", "60"])) as started:
        eventually(lambda: comm(started.pid) == "sleep")
        assert findings("--root", root(started.pid), *OTHERS) == (
            "WARNING  PID 1 (sleep) would not notice SIGTERM [deaf]\n"
            "  seen   sleep (1) has no handler for SIGTERM.\n"
            "  cause  the kernel drops a signal that PID 1 does not catch, so a stop takes its "
            "full timeout, then everything is killed.\n"
            "  do     let the program handle SIGTERM, or set STOPSIGNAL to a signal that it "
            f"handles, or {HINT}.\n"
            "\n"
            "NOTICE  PID 1 (sleep) is not an init [no-init]\n"
            "  seen   PID 1 is sleep 60.\n"
            "  cause  orphans become children of PID 1, and a program that does not expect them "
            "leaves them as zombies.\n"
            f"  do     {HINT}.\n"
        )


def test_a_pid_1_that_adopts_without_being_an_init() -> None:
    with container("sh", "-c", "echo ready; exec sleep 60") as started:
        eventually(lambda: comm(started.pid) == "sleep")
        leave = "sleep 60 >/dev/null 2>&1 & echo left"
        run([*entering(started.pid), "setsid", "sh", "-c", leave])
        assert findings("--root", root(started.pid), "--ignore", OTHERS[1] + ",deaf") == (
            "NOTICE  PID 1 (sleep) is not an init [no-init]\n"
            "  seen   PID 1 is sleep 60; it has adopted 1 process.\n"
            "  cause  orphans become children of PID 1, and a program that does not expect them "
            "leaves them as zombies.\n"
            f"  do     {HINT}.\n"
        )


def test_a_main_program_that_ignores_term() -> None:
    command = victim("inherits", "ignore", str(int(signal.SIGTERM)), "sleep", "60")
    with container(*reaper("--", *command)) as started:
        eventually(lambda: comm(started.main_pid) == "sleep")
        pid = pid_inside(started.main_pid)
        assert findings("--root", root(started.pid), *OTHERS) == (
            "WARNING  the main program (sleep) would not notice SIGTERM [deaf]\n"
            f"  seen   sleep ({pid}) ignores SIGTERM.\n"
            "  cause  so a stop takes its full timeout, then everything is killed.\n"
            "  do     let the program handle SIGTERM, or set STOPSIGNAL to a signal that it "
            "handles.\n"
        )


def test_a_mask_that_blocks_term() -> None:
    command = victim("inherits", "block", str(int(signal.SIGTERM)), "sleep", "60")
    with container(*reaper("--", *command)) as started:
        main = started.main_pid
        eventually(lambda: comm(main) == "sleep" and "nanosleep" in wchan(main), "asleep")
        pid = pid_inside(main)
        expected = (
            f"WARNING  sleep ({pid}) blocks SIGTERM [masked]\n"
            "  seen   every thread has it in its mask, and none waits for it{pending}.\n"
            "  cause  a mask survives fork and exec: whoever started it had SIGTERM blocked.\n"
            "  do     unblock SIGTERM before the program is started; until then only SIGKILL ends "
            "it.\n"
        )
        assert findings("--root", root(started.pid), *OTHERS) == expected.format(pending="")
        os.kill(main, signal.SIGTERM)
        pending = "; one is pending already"
        assert findings("--root", root(started.pid), *OTHERS) == expected.format(pending=pending)


def test_a_program_that_fetches_its_signals_is_not_masked() -> None:
    waits = (
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [15]);"
        "print('ready', flush=True); signal.sigwait([15])"
    )
    with container(*reaper("--", sys.executable, "-c", waits)) as started:
        eventually(lambda: "sigtimedwait" in wchan(started.main_pid), "sigwait")
        assert findings("--root", root(started.pid), *OTHERS).startswith("nothing found")


def test_workers_of_a_master_that_died_and_was_started_again() -> None:
    with container(*reaper("--", *victim("loses_master", "200"))) as started:
        masters = rows("ps", "--root", root(started.pid), "-o", "pid,sid,comm")
        again = max(row["sid"] for row in masters if row["comm"] == "pool")
        assert findings("--root", root(started.pid), *OTHERS) == (
            "CRITICAL  200 processes named pool were left behind by their parent [orphan-storm]\n"
            f"  seen   all have PPID 1; the oldest is AGE old, and pool ({again}) with its own "
            "workers is younger.\n"
            "  cause  their master died and nobody ended its workers; it was started again, and "
            "started new ones beside them.\n"
            "  do     end them: reaperctl kill --parent 1 --name '^pool$'; then find out what "
            "killed the master, and restart the container with it instead of the master alone.\n"
        )


def test_workers_of_a_master_that_stays_dead() -> None:
    with container(*reaper("--", *victim("loses_master", "12", "once"))) as started:
        assert findings("--root", root(started.pid), *OTHERS) == (
            "CRITICAL  12 processes named pool were left behind by their parent [orphan-storm]\n"
            "  seen   all have PPID 1; the oldest is AGE old.\n"
            "  cause  their master died and nobody ended its workers.\n"
            "  do     end them: reaperctl kill --parent 1 --name '^pool$'; then find out what "
            "killed the master, and restart the container with it instead of the master alone.\n"
        )


def test_sigpipe_ignored_by_the_launcher() -> None:
    script = "echo set; sleep 60; true"
    command = victim("inherits", "ignore", str(int(signal.SIGPIPE)), "sh", "-c", script)
    with container(*reaper("--", *command)) as started:
        started.wait_line("set")
        pid = pid_inside(started.main_pid)
        assert findings("--root", root(started.pid), *OTHERS) == (
            f"NOTICE  SIGPIPE is ignored in sh ({pid}) [sigpipe]\n"
            f"  seen   sh -c {script} ignores it, and so does all that it starts.\n"
            "  cause  whoever started it ignores SIGPIPE, as Python does, and that is inherited: "
            "the left side of a pipe such as `yes | head` gets errors or never ends.\n"
            "  do     start it with SIGPIPE at its default: in Python subprocess does so, "
            "os.system and os.exec do not; reaper does so for its main program.\n"
        )


def test_rss_sums_that_mislead() -> None:
    with container(*reaper("--", *victim("shares_pages", "8", "32"))) as started:
        name = comm(started.main_pid)
        found = findings("--root", root(started.pid), "--ignore", MACHINE)
    # The init and its main program are Python, too, perhaps of the same name.
    assert re.sub(r"of (9|10) ", "of N ", without_sizes(found)) == (
        f"NOTICE  the RSS of N {name} processes adds up to SIZE, but they hold SIZE "
        "[rss-misleads]\n"
        "  seen   RSS SIZE, PSS SIZE, USS SIZE.\n"
        "  cause  they were forked from one another and share pages, which RSS counts for each "
        "of them.\n"
        "  do     sum up PSS instead (reaperctl mem --by-command) before you raise a limit.\n"
    )
    rss, pss, *_ = (float(word[:-1]) for word in SIZE.findall(found))
    assert 9 * 32 < rss < 500 and 32 < pss < 70
