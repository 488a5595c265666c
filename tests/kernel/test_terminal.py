"""With a terminal: job control passes through, and one Ctrl-C is one Ctrl-C."""

import errno
import os
import re
import shlex
import signal
from pathlib import Path

import pytest
from support import (
    DEADLINE,
    Placed,
    as_pid1,
    children,
    eventually,
    foreground,
    reaper,
    state,
    under_strace,
    victim,
)
from terminal import Terminal, terminal

pytestmark = pytest.mark.every_form

BASH = ["env", "PS1=$ ", "bash", "--norc", "--noprofile", "-i"]
# Says when it reads: what is typed before that goes to the shell.
CAT = ["sh", "-c", "echo up-$((1+1)); exec cat"]
CTRL_C, CTRL_Z, CTRL_BACKSLASH = "\x03", "\x1a", "\x1c"


def shell(*words: str) -> str:
    return shlex.join(reaper(*words))


def cat_answers(screen: Terminal, text: str) -> None:
    """Type a line, see it, and see it again from cat: it reads the terminal."""
    screen.type(f"{text}\n")
    screen.wait_for(f"{text}\r\n{text}\r\n")


def stop(screen: Terminal) -> None:
    screen.type(CTRL_Z)
    screen.wait_for("Stopped")
    screen.wait_for("$ ")


def resume(screen: Terminal, shown: str = "exec cat'") -> None:
    """`fg`, up to the end of the command line that the shell shows."""
    screen.type("fg\n")
    screen.wait_for(shown)


@pytest.mark.parametrize("scope", ["group", "main", "tree"])
def test_one_ctrl_c_reaches_main_once(placed: Placed, scope: str) -> None:
    command = reaper("--scope", scope, "--", *victim("prints_signals"))
    with terminal(placed(command)) as screen:
        screen.wait_for("ready")
        screen.type(CTRL_C)
        screen.wait_for("2\r\n")
        screen.type(CTRL_BACKSLASH)
        assert not re.search(r"^2", screen.wait_for("3\r\n"), re.M)
        screen.resize(33, 44)
        screen.wait_for("28\r\n")  # the window's size: WINCH


def test_ctrl_z_fg_and_bg_as_without_an_init() -> None:
    with terminal(BASH) as screen:
        screen.wait_for("$ ")
        screen.type(shell("--", *CAT) + "\n")
        screen.wait_for("up-2")
        cat_answers(screen, "hello")
        stop(screen)
        resume(screen)
        cat_answers(screen, "again")
        stop(screen)
        screen.type("bg; echo mark-$((1+1))\n")
        screen.wait_for("mark-2")
        init = children(screen.popen.pid)[0]
        eventually(lambda: state(init) == "T", "stopped: cat reads in the background, TTIN")
        screen.type("jobs; echo listed-$((1+1))\n")
        assert "Stopped" in screen.wait_for("listed-2")  # by jobs, and perhaps before it by itself
        screen.wait_for("$ ")
        resume(screen)
        cat_answers(screen, "once more")
        screen.type(CTRL_C)
        screen.wait_for("$ ")
        screen.type("echo code-$?\n")
        screen.wait_for("code-130")


def test_ctrl_z_stops_a_script_around_the_init_too() -> None:
    """The script waits in our group, and the shell waits for the script."""
    with terminal(BASH) as screen:
        screen.wait_for("$ ")
        screen.type(shlex.join(["sh", "-c", f"{shell('--', *CAT)}; true"]) + "\n")
        screen.wait_for("up-2")
        cat_answers(screen, "hello")
        stop(screen)
        resume(screen, "; true'")
        cat_answers(screen, "again")


def test_a_start_in_the_background_leaves_the_foreground_alone(placed: Placed) -> None:
    command = reaper("--", "sh", "-c", "echo up-$((1+1)); exec sleep 60")
    with terminal(BASH) as screen:
        screen.wait_for("$ ")
        screen.type(shlex.join(placed(command)) + " &\n")
        screen.wait_for("up-2")
        assert os.tcgetpgrp(screen.master) == screen.popen.pid
        screen.type("kill %1; wait %1; echo code-$?\n")
        screen.wait_for("code-1")


def test_ctrl_z_as_pid_1_stops_nobody_outside_the_namespace() -> None:
    """Our group may be that of a process of the outer shell, which would stop it for ever."""
    with terminal(BASH) as screen:
        screen.wait_for("$ ")
        screen.type(shlex.join(as_pid1(reaper("--", *CAT))) + "\n")
        screen.wait_for("up-2")
        cat_answers(screen, "hello")
        screen.type(CTRL_Z)
        cat_answers(screen, "again")
        assert "Stopped" not in screen.shown


def test_the_script_after_it_has_the_terminal_again() -> None:
    script = f"{shell('--', 'true')}; read line; echo got-$line"
    with terminal(["sh", "-c", script]) as screen:
        screen.type("text\n")
        screen.wait_for("got-text")


def test_bash_as_main_has_job_control(placed: Placed) -> None:
    command = reaper("--", *BASH)
    with terminal(placed(command)) as screen:
        assert "no job control" not in screen.wait_for("$ ")
        screen.type(shlex.join(CAT) + "\n")
        screen.wait_for("up-2")
        cat_answers(screen, "hello")
        stop(screen)
        resume(screen)
        cat_answers(screen, "once more")
        screen.type(CTRL_C)
        screen.wait_for("$ ")
        screen.type("echo code-$?; exit 7\n")
        screen.wait_for("code-130")
        assert screen.popen.wait(DEADLINE) == 7


def test_ctrl_z_where_nobody_can_continue_us_does_not_stop_main_for_ever(placed: Placed) -> None:
    """As PID 1 or leader of an orphaned group: the kernel would not have stopped main either."""
    command = reaper("--", "cat")
    with terminal(placed(command)) as screen:
        cat_answers(screen, "hello")
        screen.type(CTRL_Z)
        cat_answers(screen, "again")


def test_ctrl_c_reaches_the_init_when_mains_group_is_dead(placed: Placed) -> None:
    helper = shlex.join(victim("ignores_term", "own-session"))
    command = reaper("--grace", "3600", "--", "sh", "-c", f"{helper} & read go; exit 3")
    with terminal(placed(command)) as screen:
        screen.wait_for("ready")
        before = os.tcgetpgrp(screen.master)
        screen.type("go\n")
        screen.wait_for("ignored 15")
        eventually(lambda: os.tcgetpgrp(screen.master) != before, "the foreground taken")
        screen.type(CTRL_C)
        screen.wait_for("ignored 2")  # the first Ctrl-C goes to the rest

        def ended() -> bool:
            screen.type(CTRL_C)
            return screen.popen.poll() is not None

        eventually(ended, "a Ctrl-C that ends the grace")
        assert screen.popen.returncode == 3


def test_mains_group_keeps_the_terminal_as_long_as_one_of_it_lives() -> None:
    """A process may restore the terminal while it ends; in the background that would stop it."""
    helper = shlex.join(victim("ignores_term"))
    with terminal(
        reaper("--grace", "3600", "--", "sh", "-c", f"{helper} & read go; exit 3")
    ) as screen:
        screen.wait_for("ready")
        before = os.tcgetpgrp(screen.master)
        screen.type("go\n")
        screen.wait_for("ignored 15")
        screen.type(CTRL_C)
        screen.wait_for("ignored 2")
        assert os.tcgetpgrp(screen.master) == before
        [left] = children(screen.popen.pid)
        os.kill(left, signal.SIGKILL)
        assert screen.popen.wait(DEADLINE) == 3


def test_hang_up_ends_main_and_the_init() -> None:
    with terminal(reaper("--", "sleep", "60")) as screen:
        init = screen.popen.pid
        main = eventually(lambda: children(init), "main")[0]
        eventually(lambda: foreground(init) == main, "main in the foreground")
        screen.hang_up()
        assert screen.popen.wait(DEADLINE) == 128 + signal.SIGHUP
        assert state(main) == "X"


@pytest.mark.parametrize("error", ["EPERM", "ENOTTY", "EINVAL", "ESRCH", "EIO", "EBADF"])
def test_a_terminal_that_cannot_be_handed_over_is_a_debug_line(error: str) -> None:
    """The first ioctl of the child is its tcsetpgrp; the first of the init asks for a terminal."""
    strace = under_strace(Path("/dev/null"), "ioctl", f"ioctl:error={error}:when=1")
    command = reaper("-vv", "--", "sh", "-c", "echo runs; exit 3")
    with terminal([*strace, *command]) as screen:
        screen.wait_for(f"tcsetpgrp for main: {os.strerror(getattr(errno, error))}")
        assert screen.popen.wait(DEADLINE) == 3


def test_a_terminal_that_is_not_ours_is_left_alone() -> None:
    """stdin is a terminal, but of another session."""
    with terminal(["setsid", "--wait", *reaper("--", "sh", "-c", "echo runs; exit 3")]) as screen:
        screen.wait_for("runs")
        assert screen.popen.wait(DEADLINE) == 3
