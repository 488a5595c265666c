"""`run -it` on a real pty: keys and the window size reach main as if there were no init."""

import itertools
import os
import signal
from pathlib import Path

import pytest
from engines import Engine
from support import children, comm, eventually, foreground, state

pytestmark = pytest.mark.every_form

CTRL_C, CTRL_Z, CTRL_D = "\x03", "\x1a", "\x04"
PROMPT = "prompt> "
SHELL = ["--", "env", f"PS1={PROMPT}", "bash", "--norc", "--noprofile", "-i"]


def in_foreground(pid: int) -> bool:
    """Whether its group is the terminal's foreground group, which alone gets the keys."""
    return foreground(pid) == os.getpgid(pid) and state(pid) != "T"


def test_ctrl_c_comes_once(engine: Engine) -> None:
    """bash runs its trap only after the read if the signal comes just before it, so wait for it."""
    script = "trap 'echo interrupted' INT; echo ready; read line; read line; echo end $line"
    with engine.on_terminal("--", "bash", "-c", script) as (terminal, container):
        terminal.wait_for("ready")
        eventually(lambda: state(container.main_pid) == "S", "bash waiting for a line")
        terminal.type(CTRL_C)
        terminal.wait_for("interrupted")
        terminal.type("one\rtwo\r")
        assert "interrupted" not in terminal.wait_for("end two")


def test_ctrl_c_ends_a_plain_program(engine: Engine) -> None:
    with engine.on_terminal("-e", "130=7", "--", "sh", "-c", "echo ready; exec sleep 1000") as (
        terminal,
        container,
    ):
        terminal.wait_for("ready")
        terminal.type(CTRL_C)
        assert container.wait() == 7


def test_job_control_of_a_shell(engine: Engine) -> None:
    """Main is bash: Ctrl-Z stops its job, `fg` continues it, Ctrl-C ends it, Ctrl-D ends bash."""
    with engine.on_terminal(*SHELL) as (terminal, container):
        terminal.wait_for(PROMPT)
        terminal.type("sleep 1000\r")
        terminal.wait_for("sleep 1000")
        [bash] = children(container.pid)
        [job] = eventually(lambda: children(bash), "the job")
        eventually(lambda: comm(job) == "sleep" and in_foreground(job), "the job in the foreground")
        terminal.type(CTRL_Z)
        terminal.wait_for("Stopped")
        terminal.wait_for(PROMPT)
        terminal.type("fg\r")
        terminal.wait_for("sleep 1000")
        eventually(lambda: in_foreground(job), "the job in the foreground again")
        terminal.type(CTRL_C)
        terminal.wait_for(PROMPT)
        terminal.type("echo code $?\r")
        terminal.wait_for("code 130")
        terminal.wait_for(PROMPT)  # before that, the line discipline would take the key
        terminal.type(CTRL_D)
        assert container.wait() == 0


def test_ctrl_z_does_not_hang_the_container(engine: Engine) -> None:
    """Nobody could continue a main that is stopped under PID 1, so it goes on."""
    script = "echo ready; read line; echo got $line"
    with engine.on_terminal("--", "sh", "-c", script) as (terminal, container):
        terminal.wait_for("ready")
        terminal.type(CTRL_Z)
        terminal.type("more\r")
        terminal.wait_for("got more")
        assert container.wait() == 0


def test_window_size(engine: Engine) -> None:
    """A client that has just started may miss a change, so change the size until one arrives."""
    script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done"
    widths = itertools.count(100)
    with engine.on_terminal("--", "bash", "-c", script) as (terminal, _):
        terminal.wait_for("ready")

        def told() -> bool:
            width = next(widths)
            terminal.resize(33, width)
            return terminal.shows(f"33 {width}", 1)

        eventually(told, "the new size at main")


def test_hang_up_reaches_main(engine: Engine) -> None:
    """When a person's terminal goes away, the engine's client forwards its SIGHUP.

    podman's client shows what main prints before it forwards signals, and would die by the SIGHUP.
    So it gets CONT, which is harmless to it, until main has one.
    """
    script = "trap 'exit 9' HUP; trap 'echo continued' CONT; while :; do sleep 0.1; done"
    with engine.on_terminal("--", "bash", "-c", script) as (terminal, container):

        def forwards() -> bool:
            terminal.popen.send_signal(signal.SIGCONT)
            return terminal.shows("continued", 1)

        eventually(forwards, "a signal of the client at main")
        terminal.hang_up()
        assert container.wait() == 9


def test_a_client_that_dies_hangs_nothing_up(engine: Engine) -> None:
    """The engine keeps the pty open, so main gets no signal and the next client can go on."""
    script = "trap 'echo hung up' HUP; echo ready; while read line; do echo got $line; done"
    with engine.on_terminal("--", "bash", "-c", script) as (terminal, container):
        terminal.wait_for("ready")
        terminal.popen.kill()
        terminal.popen.wait()
        with engine.client("attach", container.name) as again:
            again.type("more\r")
            assert "hung up" not in again.wait_for("got more")


def test_the_end_of_the_pty_reaches_main(podman: Engine) -> None:
    """conmon holds the pty. When it dies, the kernel signals the session leader: the init."""
    script = "trap 'echo hung up >>/tmp/seen' HUP; echo ready; while :; do sleep 0.1; done"
    with podman.on_terminal("--", "bash", "-c", script) as (terminal, container):
        terminal.wait_for("ready")
        pid = container.pid
        os.kill(container.inspect("State.ConmonPid"), signal.SIGKILL)
        seen = Path(f"/proc/{pid}/root/tmp/seen")
        eventually(lambda: seen.exists() and seen.read_text(), "HUP at main")
        assert seen.read_text() == "hung up\n"
        eventually(lambda: state(pid) == "S", "the init at rest")
