"""`run -it` on a real pty: the keys and the window reach main as if no init were there."""

from pathlib import Path

from engines import Engine
from support import children, eventually

CTRL_C, CTRL_Z, CTRL_D = "\x03", "\x1a", "\x04"
PROMPT = "prompt> "
SHELL = ["--", "env", f"PS1={PROMPT}", "bash", "--norc", "--noprofile", "-i"]


def in_foreground(pid: int) -> bool:
    """Whether the terminal of the process is its group's: only then the keys are for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[2] == fields[5] and fields[0] != "T"


def test_ctrl_c_comes_once(engine: Engine) -> None:
    script = "trap 'echo interrupted' INT; echo ready; read line; read line; echo end $line"
    with engine.on_terminal("--", "bash", "-c", script) as (terminal, _):
        terminal.read_to("ready")
        terminal.type(CTRL_C)
        terminal.read_to("interrupted")
        terminal.type("one\rtwo\r")
        assert "interrupted" not in terminal.read_to("end two")


def test_ctrl_c_ends_a_plain_program(engine: Engine) -> None:
    with engine.on_terminal("-e", "130=7", "--", "sh", "-c", "echo ready; exec sleep 1000") as (
        terminal,
        container,
    ):
        terminal.read_to("ready")
        terminal.type(CTRL_C)
        assert container.wait() == 7


def test_job_control_of_a_shell(engine: Engine) -> None:
    """bash is main: Ctrl-Z stops its job, `fg` brings it back, Ctrl-C ends it, Ctrl-D the shell."""
    with engine.on_terminal(*SHELL) as (terminal, container):
        terminal.read_to(PROMPT)
        terminal.type("sleep 1000\r")
        terminal.read_to("sleep 1000")
        [bash] = children(container.pid)
        [job] = eventually(lambda: children(bash), "the job")
        eventually(lambda: in_foreground(job), "the job in the foreground")
        terminal.type(CTRL_Z)
        terminal.read_to("Stopped")
        terminal.read_to(PROMPT)
        terminal.type("fg\r")
        terminal.read_to("sleep 1000")
        eventually(lambda: in_foreground(job), "the job in the foreground again")
        terminal.type(CTRL_C)
        terminal.read_to(PROMPT)
        terminal.type("echo code $?\r")
        terminal.read_to("code 130")
        terminal.type(CTRL_D)
        assert container.wait() == 0


def test_ctrl_z_does_not_hang_the_container(engine: Engine) -> None:
    """Nobody could continue a main that is stopped under PID 1, so it goes on."""
    script = "echo ready; read line; echo got $line"
    with engine.on_terminal("--", "sh", "-c", script) as (terminal, container):
        terminal.read_to("ready")
        terminal.type(CTRL_Z)
        terminal.type("more\r")
        terminal.read_to("got more")
        assert container.wait() == 0


def test_window_size(engine: Engine) -> None:
    script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done"
    with engine.on_terminal("--", "bash", "-c", script) as (terminal, _):
        terminal.read_to("ready")
        terminal.resize(33, 111)
        terminal.read_to("33 111")


def test_hang_up_reaches_main(engine: Engine) -> None:
    """A person's terminal goes away: the engine's client hands its SIGHUP on."""
    script = "trap 'exit 9' HUP; echo ready; while :; do sleep 0.1; done"
    with engine.on_terminal("--", "bash", "-c", script) as (terminal, container):
        terminal.read_to("ready")
        terminal.close()
        assert container.wait() == 9
