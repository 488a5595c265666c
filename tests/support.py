"""What the tests share: start a program under the init, wait for a fact, and clean up for certain.

Nothing sleeps and hopes: a test waits for a line, the end of a file, an exit, or `eventually`.
"""

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO, Any, TypeVar

import builds
import evidence
from builds import PYTHON, REPO

from reaper.signals import describe

VICTIMS = REPO / "tests" / "victims"
DEADLINE = 30.0  # seconds; a test that takes so long has failed

FORM = os.environ.get("REAPER_TEST_FORM") or "source"

T = TypeVar("T")


def reaper(*args: str) -> list[str]:
    """The command line of the init under test (`make kernel FORM=` chooses the form)."""
    return [*builds.command(FORM), *args]


def victim(name: str, *args: str) -> list[str]:
    """The command line of a victim, a small program with one vice."""
    return [PYTHON, "-I", "-S", str(VICTIMS / f"{name}.py"), *args]


def as_pid1(command: Sequence[str], *unshare: str) -> list[str]:
    """Make the command PID 1 of a new PID namespace that has its own /proc."""
    options = ["--pid", "--fork", "--mount-proc", "--kill-child", *unshare]
    return ["unshare", *options, "--", *command]


# Makes the init in a command PID 1, or leaves it where it is: tests/kernel/conftest.py.
Placed = Callable[[Sequence[str]], list[str]]


def entering(pid: int) -> list[str]:
    """The words to put before a command to run it in the PID and mount namespaces of a process."""
    return ["nsenter", "-t", str(pid), "-p", "-m"]


def trace_lines(trace: Path) -> list[dict[str, Any]]:
    """The lines of a trace."""
    return [json.loads(line) for line in trace.read_text().splitlines()]


# The words to put before a command to run it without a /proc. An empty file system covers it,
# because unmounting /proc could uncover another /proc below it.
WITHOUT_PROC = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]


def under_strace(log: Path, calls: str, *inject: str) -> list[str]:
    """The words to put before a command so that strace(1) writes these system calls to a file.

    That covers all its processes. `inject` are rules for `-e inject=`, which tamper with the calls.
    """
    tampering = [word for rule in inject for word in ("-e", f"inject={rule}")]
    return ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}", *tampering]


def eventually(check: Callable[[], T], what: str = "", timeout: float = DEADLINE) -> T:
    """Call `check` until its answer is true, and return that. AssertionError at the deadline."""
    __tracebackhide__ = True  # the report shows the line of the test
    deadline = time.monotonic() + timeout
    while not (answer := check()):
        assert time.monotonic() < deadline, f"not within {timeout} s: {what or check}"
        time.sleep(0.01)
    return answer


def children(pid: int) -> list[int]:
    """The child processes of `pid`, as the kernel lists them; empty if it is gone."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, (task / "children").read_text().split())
    return found


def stat(pid: int) -> list[str]:
    """The fields of proc_pid_stat(5) after the name, beginning with the state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def state(pid: int) -> str:
    """The state letter of a process; X if it is gone."""
    try:
        return stat(pid)[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def word(pid: int, file: str) -> str:
    """The one word in a file of proc(5); empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text().rstrip("\n")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def comm(pid: int) -> str:
    """The name of a process."""
    return word(pid, "comm")


def wchan(pid: int) -> str:
    """The kernel function that a process sleeps in; empty if it does not sleep."""
    return word(pid, "wchan").strip("0")


def foreground(pid: int) -> int:
    """The foreground process group of the controlling terminal; -1 if it has none."""
    return int(stat(pid)[5])


def status(pid: int, file: str = "status") -> dict[str, str]:
    """The lines of proc_pid_status(5), or of another file with `NAME: VALUE` lines."""
    lines = Path(f"/proc/{pid}/{file}").read_text(errors="surrogateescape").split("\n")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def pid_inside(pid: int) -> int:
    """The pid in the innermost PID namespace: pid_namespaces(7)."""
    return int(status(pid)["NSpid"].split()[-1])


def switches(pid: int) -> int:
    """How often a process gave up its CPU or was preempted."""
    said = status(pid)
    return int(said["voluntary_ctxt_switches"]) + int(said["nonvoluntary_ctxt_switches"])


def memory(pid: int) -> dict[str, int]:
    """The sums of proc_pid_smaps(5), in bytes."""
    said = status(pid, "smaps_rollup")
    return {name: int(value.split()[0]) * 1024 for name, value in said.items() if "kB" in value}


class Running:
    """A started command."""

    def __init__(self, popen: "subprocess.Popen[bytes]", namespaced: bool) -> None:
        self.popen = popen
        self.namespaced = namespaced
        self.out = b""  # what was read from standard output, for the report of a failure
        self.err = b""
        self.files: list[Path] = []  # what it writes to instead of a pipe

    @cached_property
    def pid(self) -> int:
        """Host pid of the init, which must still run. With `as_pid1` it is unshare's child."""
        if not self.namespaced:
            return self.popen.pid
        return eventually(lambda: children(self.popen.pid), "the init")[0]

    @property
    def main_pid(self) -> int:
        """Host pid of the init's first child."""
        return eventually(lambda: children(self.pid), "main")[0]

    def kill(self, number: int) -> None:
        os.kill(self.pid, number)

    def line(self) -> str:
        """The next line of standard output, which must be a pipe. It is empty at the end."""
        return self._line().decode(errors="surrogateescape").rstrip("\n")

    def _line(self) -> bytes:
        assert self.popen.stdout
        line = self.popen.stdout.readline()
        self.out += line
        return line

    def type_line(self, text: str) -> None:
        """Write a line to standard input, which must be a pipe."""
        assert self.popen.stdin
        self.popen.stdin.write(f"{text}\n".encode())
        self.popen.stdin.flush()

    def wait_line(self, text: str) -> str:
        """Read standard output up to a line that contains `text`."""
        __tracebackhide__ = True
        wanted = text.encode(errors="surrogateescape")
        while wanted not in (line := self._line()):
            assert line, f"standard output ended without {text!r}: {self._ending()}"
        return line.decode(errors="surrogateescape").rstrip("\n")

    def finish(self, timeout: float = DEADLINE) -> tuple[int, str, str]:
        """Wait for the end. Returns (exit code or -signal, the unread stdout, stderr)."""
        __tracebackhide__ = True
        try:
            out, err = self.popen.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            self.out += error.output or b""
            self.err += error.stderr or b""
            raise AssertionError(f"not at its end within {timeout} s") from None
        self.out += out or b""
        self.err += err or b""
        decode = [(data or b"").decode(errors="surrogateescape") for data in (out, self.err)]
        return self.popen.returncode, decode[0], decode[1]

    def tell(self) -> str:
        """The command, how it ended, and what it has written so far: see evidence.py."""
        self.err += available(self.popen.stderr)
        files = {f"file {file.name}": file.read_bytes() for file in self.files}
        streams = {"standard_output": self.out, "standard_error": self.err, **files}
        return evidence.text(shlex.join(map(str, self.popen.args)), self._outcome(), **streams)

    def tell_all(self) -> str:
        """The same at the end, with the standard output that nobody has read."""
        self.out += available(self.popen.stdout)
        return self.tell()

    def _outcome(self) -> str:
        code = self.popen.poll()
        if code is None:
            return "still running"
        return f"exit code {code}" if code >= 0 else f"killed by {describe(-code)}"

    def _ending(self) -> str:
        """How it ended, and the end of what it wrote to standard error."""
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(2)  # it has closed its standard output, so it may be about to end
        self.err += available(self.popen.stderr)
        said = self.err.decode(errors="backslashreplace").strip()[-500:]
        return f"{self._outcome()}; standard error: {said or 'nothing'}"


def available(stream: IO[bytes] | None) -> bytes:
    """Read what is in a pipe, without waiting for more."""
    if stream is None or stream.closed:
        return b""
    os.set_blocking(stream.fileno(), False)
    try:
        return stream.read(1 << 20) or b""
    finally:
        os.set_blocking(stream.fileno(), True)


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[Running]:
    """Start a command with its streams on pipes. At the end, kill whatever is left of it."""
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    popen = subprocess.Popen(command, **{**streams, **options})
    started = Running(popen, command[0] == "unshare")
    names = {getattr(stream, "name", None) for stream in options.values()}
    started.files = [Path(name) for name in names if isinstance(name, str)]
    try:
        with evidence.watched(started.tell, at_end=started.tell_all):
            yield started
    finally:
        for pid in (*descendants(popen.pid), popen.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for stream in (popen.stdin, popen.stdout, popen.stderr):
            if stream:
                with suppress(OSError):
                    stream.close()
        popen.wait(DEADLINE)


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, parents first."""
    found: list[int] = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def run(command: Sequence[str], **options: Any) -> tuple[int, str, str]:
    """Start a command and wait for its end. Returns (exit code or -signal, stdout, stderr)."""
    __tracebackhide__ = True
    with running(command, **{"stdin": subprocess.DEVNULL, **options}) as started:
        return started.finish()
