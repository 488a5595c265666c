"""reaperctl top on a terminal of its own: keys, resize, every way to leave; and without one."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import support

TOP = [sys.executable, "-m", "reaper.inspector", "top"]
SIZE = (24, 80)
ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"
FRAME = re.compile(rb"\x1b\[H([^\0]*?)\x1b\[J")

Wanted = Callable[[list[str]], object]


def says(text: str) -> Wanted:
    """A frame in which a line begins with the text."""
    return lambda lines: any(line.startswith(text) for line in lines)


class Top:
    """A live top behind a pseudo terminal whose master is ours."""

    def __init__(self, *args: str, session: Sequence[str] = ("setsid", "--ctty")) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(*SIZE)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""
        self.process = subprocess.Popen(
            [*session, *TOP, *args],
            stdin=self.slave, stdout=self.slave, stderr=self.slave, cwd=support.REPO,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
        )  # fmt: skip
        self.until(says("q quit"))

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self) -> bytes:
        """What came since the last call; waits for some."""
        ready, _, _ = select.select([self.master], [], [], support.DEADLINE)
        assert ready, f"nothing more after {self.seen[-2000:]!r}"
        return os.read(self.master, 65536)

    def sees(self, mark: bytes) -> None:
        """Read up to these bytes, and drop them and all before them."""
        while mark not in self.seen:
            self.seen += self.read()
        self.seen = self.seen.partition(mark)[2]

    def until(self, wanted: Wanted) -> list[str]:
        """Read up to a whole frame for which `wanted` holds; its lines."""
        while True:
            for found in FRAME.finditer(self.seen):
                lines = re.sub("\x1b\\[K|\r", "", found[1].decode()).split("\n")
                if wanted(lines):
                    return lines
            self.seen = self.seen[max(0, self.seen.rfind(b"\x1b[H")) :] + self.read()

    def press(self, keys: str, wanted: Wanted) -> list[str]:
        """Type, and wait for the frame that shows the effect."""
        self.seen = b""
        os.write(self.master, keys.encode())
        return self.until(wanted)

    def end(self) -> int:
        """Wait for its end: the exit code; the terminal must be as it was."""
        self.sees(LEFT)
        code = self.process.wait(support.DEADLINE)
        assert termios.tcgetattr(self.slave) == self.before
        return code


@contextmanager
def top(*args: str, **options: Any) -> Iterator[Top]:
    started = Top(*args, **options)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.process.kill()
        started.process.wait(support.DEADLINE)
        for fd in (started.master, started.slave):
            with suppress(OSError):
                os.close(fd)


def pids(lines: list[str]) -> list[int]:
    """The first column below the header."""
    start = next((i for i, line in enumerate(lines) if line.split()[:1] == ["PID"]), len(lines))
    return [int(line.split()[0]) for line in lines[start + 1 :] if line.strip()]


@pytest.fixture(scope="module", autouse=True)
def crowd() -> Iterator[None]:
    """More processes than a screen has lines, even if nothing else runs."""
    with support.running(["sh", "-c", "for each in $(seq 30); do sleep 1000 & done; wait"]):
        yield


def test_keys_sort_and_filter_and_q_leaves(tmp_path: Path) -> None:
    odd = tmp_path / "odd-name"
    odd.symlink_to("/bin/cat")
    with support.running([str(odd)]) as victim, top() as live:
        lines = live.press("N", lambda lines: pids(lines)[:1] == [1])
        assert len(lines) == SIZE[0]
        assert pids(lines) == sorted(pids(lines))
        live.press("/d-nAme", says("/d-nAme_"))
        lines = live.press("\r", lambda lines: "/d-nAme" in lines)
        assert pids(lines) == [victim.pid]
        live.press("H", lambda lines: f"{victim.pid} {victim.pid}" in " ".join(lines))
        live.press("z", says("/d-nAme  threads  zombies only"))
        live.press("?", says("reaperctl top looks every 1 s"))
        os.write(live.master, b"q")
        assert live.end() == 0


def test_threads_do_not_wait_for_the_next_look() -> None:
    with top("--interval", "3600") as live:
        live.press("H", lambda lines: "threads" in lines and len(pids(lines)) > 1)


def test_a_new_size_is_drawn_at_once() -> None:
    with top("--interval", "3600") as live:
        live.resize(10, 60)
        lines = live.until(lambda lines: len(lines) == 10)
        assert max(map(len, lines)) <= 60


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 0), (signal.SIGQUIT, 131), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_ends_it_and_gives_the_terminal_back(number: int, code: int) -> None:
    with top("--interval", "3600") as live:
        live.process.send_signal(number)
        assert live.end() == code


def test_ctrl_c_ends_it() -> None:
    with top("--interval", "3600") as live:
        os.write(live.master, b"\x03")
        assert live.end() == 0


def test_ctrl_z_without_a_shell_is_no_trap() -> None:
    with top("--interval", "3600") as live:
        os.write(live.master, b"\x1a")
        live.sees(LEFT)
        live.sees(ENTERED)
        os.write(live.master, b"q")
        assert live.end() == 0


def test_after_a_stop_it_takes_the_terminal_again() -> None:
    with top("--interval", "3600") as live:
        os.kill(live.process.pid, signal.SIGSTOP)
        support.eventually(lambda: support.state(live.process.pid) == "T")
        termios.tcsetattr(live.slave, termios.TCSANOW, live.before)  # as a shell would
        live.seen = b""
        os.kill(live.process.pid, signal.SIGCONT)
        live.sees(ENTERED)
        live.until(says("q quit"))
        os.write(live.master, b"q")
        assert live.end() == 0


@pytest.mark.parametrize("session", [("setsid", "--ctty"), ("setsid",)])
def test_a_lost_terminal_ends_it(session: tuple[str, ...]) -> None:
    """SIGHUP ends it, or the end of input if the terminal is not the controlling one."""
    with top("--interval", "3600", session=session) as live:
        os.close(live.slave)
        os.close(live.master)
        assert live.process.wait(support.DEADLINE) == 129


def test_without_a_terminal_it_is_one_look(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text('{"v":1,"event":"reap","role":"main"}\n{"v":1,"event":"adopt"}\n')
    code, out, err = support.run(
        [*TOP, "--interval", "0.1", "--trace", str(trace)], cwd=support.REPO
    )
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert "reaped    0.0/s, 1 in all; adopted 0.0/s, 1 in all" in out
    code, out, err = support.run([*TOP, "--interval", "0.1", "--json"], cwd=support.REPO)
    answer = json.loads(out)
    assert (code, err, answer["view"]) == (0, "", "top")
    assert {"pid", "percent", "rss", "command"} <= answer["rows"][0].keys()
    assert answer["totals"]["states"]["S"] > 0
