"""The log and the trace never hurt: full pipes, dead readers, full disks; nothing reaches main."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import (
    DEADLINE,
    PYTHON,
    WITHOUT_PROC,
    Placed,
    Running,
    as_pid1,
    children,
    eventually,
    reaper,
    run,
    running,
    state,
    switches,
    trace_lines,
    under_strace,
    victim,
)

from reaper import events
from reaper.events import LOG_EVENTS

pytestmark = pytest.mark.every_form

DEBUG = ("-vv", "-w")


def fill(descriptor: int) -> None:
    os.set_blocking(descriptor, False)
    try:
        while True:
            os.write(descriptor, b"x" * 4096)
    except BlockingIOError:
        pass
    finally:
        os.set_blocking(descriptor, True)


@pytest.mark.parametrize("kind", ["pipe", "socket", "other user's pipe"])
@pytest.mark.parametrize("trace", [(), ("--trace", "fd:2")], ids=["log", "trace"])
def test_a_full_pipe_blocks_nothing(kind: str, trace: tuple[str, ...]) -> None:
    """Debug logging into a pipe that is full from the start and that nobody reads."""
    if kind == "socket":
        left, right = socket.socketpair()
        receive, send = left.detach(), right.detach()
    else:
        receive, send = os.pipe()
    fill(send)
    command = reaper(*DEBUG, *trace, "--", *victim("prints_signals"))
    if kind == "other user's pipe":
        os.fchmod(send, 0o600)
        command = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", *command]
    with running(as_pid1(command), stderr=send) as started:
        started.wait_line("ready")
        for _ in range(50):
            started.kill(signal.SIGUSR1)
            assert started.line() == "10"
        started.kill(signal.SIGTERM)
        assert started.finish()[0] == 0
    assert os.get_blocking(send)  # main shares this open file description
    os.close(receive)
    os.close(send)


@pytest.mark.parametrize("trace", [(), ("--trace", "fd:2")], ids=["log", "trace"])
def test_a_dead_reader_is_no_signal_for_main(trace: tuple[str, ...]) -> None:
    receive, send = os.pipe()
    command = reaper(*DEBUG, *trace, "--", *victim("prints_signals"))
    with running(as_pid1(command), stderr=send) as started:
        os.close(send)
        started.wait_line("ready")
        os.close(receive)
        for _ in range(20):
            started.kill(signal.SIGUSR1)
            assert started.line() == "10"  # and not 13, which would be a SIGPIPE
        started.kill(signal.SIGPIPE)
        assert started.line() == "13"  # a SIGPIPE that somebody else sent is forwarded
        started.kill(signal.SIGTERM)
        assert started.finish()[0] == 0


class Reader:
    """Somebody who reads a FIFO, line by line, and leaves nothing in it."""

    def __init__(self, fifo: Path) -> None:
        self.descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.lines: list[str] = []
        self.rest = ""

    def read(self) -> bool:
        """Take what is there; False at end of file, which there is also before a writer comes."""
        try:
            data = os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return True
        *lines, self.rest = (self.rest + data.decode()).split("\n")
        self.lines += lines
        return bool(data)

    def has(self, text: str) -> bool:
        self.read()
        return any(text in line for line in self.lines)

    def go(self) -> None:
        os.close(self.descriptor)


def told_loss(line: str) -> int:
    """How many lines were lost, as a line of the log or the trace says."""
    if not line.startswith("{"):
        return int(line.partition("warning: ")[2].partition(" log lines lost (")[0])
    fields = json.loads(line)
    assert fields["event"] == "drop"
    return int(fields.get("lines") or fields["message"].partition(" log lines lost (")[0])


KINDS = {
    "log": ("-vv", "--log-file"),
    "json": ("-vv", "--log-format", "json", "--log-file"),
    "trace": ("--trace",),
}
WAYS = ("path", "fd:N", "stderr")


@contextmanager
def writing_to(
    fifo: Path, way: str, kind: str, main: list[str], before: tuple[str, ...] = ()
) -> Iterator[Running]:
    """The init with its log or trace on a FIFO that nobody reads any more when it starts."""
    os.mkfifo(fifo)
    reader = Reader(fifo)
    writer = os.open(fifo, os.O_WRONLY)
    reader.go()
    target = {"path": str(fifo), "fd:N": f"fd:{writer}", "stderr": "fd:2"}[way]
    options: dict[str, Any] = {"pass_fds": (writer,)} if way == "fd:N" else {}
    if way == "stderr":
        options["stderr"] = writer
    with running([*before, *reaper(*KINDS[kind], target, "--", *main)], **options) as started:
        os.close(writer)
        yield started


def signal_main(started: Running) -> None:
    started.kill(signal.SIGUSR1)
    assert started.line() == "10"  # and no 13 of a SIGPIPE


def signal_until(started: Running, done: Callable[[], bool]) -> int:
    """Send SIGUSR1, one after the other; returns how many."""
    deadline, sent = time.monotonic() + DEADLINE, 0
    while not done():
        assert time.monotonic() < deadline
        signal_main(started)
        sent += 1
    return sent


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_that_comes_back_is_told_what_it_missed(
    kind: str, way: str, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    with writing_to(fifo, way, kind, victim("prints_signals")) as started:
        started.wait_line("ready")
        for _ in range(2):
            signal_main(started)
        late = Reader(fifo)
        signal_until(started, lambda: late.has("SIGUSR1"))
        assert told_loss(late.lines[0]) >= 4  # two lines a signal
        started.kill(signal.SIGUSR2)
        assert started.line() == "12"
        eventually(lambda: late.has("SIGUSR2") and "forwarded" in late.lines[-1], "the last line")
        late.go()
        for _ in range(3):
            signal_main(started)
        back = Reader(fifo)
        sent = 3 + signal_until(started, lambda: back.has("SIGUSR1"))
        started.kill(signal.SIGTERM)
        assert started.finish()[0] == 0
        eventually(lambda: not back.read(), "end of file")
        back.go()
    got = sum("SIGUSR1" in line for line in back.lines)
    assert told_loss(back.lines[0]) + got == 2 * sent
    assert not any('"drop"' in line or " lost (" in line for line in back.lines[1:])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["log", "trace"])
def test_main_gets_its_sigpipe(kind: str, way: str, tmp_path: Path) -> None:
    """If the init held a reader's end of the FIFO, main could go on writing and get no SIGPIPE."""
    fifo = tmp_path / "fifo"
    script = 'exec 3>"$1"; echo ready; read line; echo text >&3; echo lives on'
    with writing_to(fifo, way, kind, ["sh", "-c", script, "sh", str(fifo)]) as started:
        reader = Reader(fifo)  # main's open waits for a reader
        started.wait_line("ready")
        eventually(lambda: started.kill(signal.SIGWINCH) or reader.has("SIGWINCH"), "a line")
        reader.go()
        started.kill(signal.SIGWINCH)  # the init writes a line that nobody reads
        started.type_line("go")
        assert started.finish()[:2] == (128 + signal.SIGPIPE, "")


def test_a_reader_is_looked_for_once_a_second(tmp_path: Path) -> None:
    fifo, log = tmp_path / "fifo", tmp_path / "strace"
    began = time.monotonic()
    before = tuple(under_strace(log, "open,openat"))
    with writing_to(fifo, "path", "log", victim("prints_signals"), before) as started:
        started.wait_line("ready")
        init = children(started.pid)[0]
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            os.kill(init, signal.SIGUSR1)
            assert started.line() == "10"
        os.kill(init, signal.SIGTERM)
        assert started.finish()[0] == 0
    opened = [line for line in log.read_text().splitlines() if str(fifo) in line]
    assert 2 <= len(opened) <= time.monotonic() - began + 1
    assert all("O_WRONLY" in line and "O_CREAT" not in line for line in opened)


def test_an_idle_init_does_not_wake_to_look_for_a_reader(tmp_path: Path) -> None:
    with writing_to(tmp_path / "fifo", "path", "log", victim("prints_signals")) as started:
        started.wait_line("ready")
        signal_main(started)
        eventually(lambda: state(started.pid) == "S", "idle")
        before = switches(started.pid)
        subprocess.run(["sleep", "1.2"], check=True)  # longer than from one look to the next
        assert switches(started.pid) == before


def test_a_fifo_that_is_gone_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    with writing_to(fifo, "path", "trace", victim("prints_signals")) as started:
        started.wait_line("ready")
        fifo.unlink()
        until = time.monotonic() + 1.2
        signal_until(started, lambda: time.monotonic() > until)  # the init looks for the FIFO
        assert not fifo.exists()
        os.mkfifo(fifo)
        reader = Reader(fifo)
        signal_until(started, lambda: reader.has("SIGUSR1"))
        assert told_loss(reader.lines[0]) > 3
        reader.go()


@pytest.mark.parametrize("option", ["--log-file", "--trace"])
def test_a_fifo_that_may_not_be_written_starts_nothing(option: str, open_path: Path) -> None:
    fifo = open_path / "fifo"
    os.mkfifo(fifo, 0o600)
    command = reaper(option, str(fifo), "--", "echo", "started")
    user = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    code, out, err = run([*user, *command])
    assert (code, out, err.count("\n")) == (125, "", 2)
    assert err.splitlines()[0].endswith(f'{option}: cannot write to "{fifo}": Permission denied')


def test_a_trace_that_nobody_reads_is_told_of_in_the_log(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code, _, err = run(as_pid1(reaper("--trace", str(fifo), "--", "true")))
    # start, fork, exec, exit, reap, end
    assert code == 0 and re.fullmatch(r"\S+ reaper: warning: 6 trace lines lost \(ENXIO\)\n", err)


def test_a_loss_is_told_at_the_end_where_no_line_came_after_it(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    script = "(true &); echo ready; read line"
    os.mkfifo(fifo)
    options = ["-w", "--log-file", str(fifo)]
    with running(as_pid1(reaper(*options, "--", "sh", "-c", script))) as started:
        started.wait_line("ready")
        eventually(lambda: len(children(started.pid)) == 1, "the orphan was reaped")
        reader = Reader(fifo)
        subprocess.run(["sleep", "1.1"], check=True)  # then the init may look for a reader again
        started.type_line("go")
        assert started.finish()[0] == 0
        eventually(lambda: not reader.read(), "end of file")
        assert [told_loss(line) for line in reader.lines] == [1]
        reader.go()


@pytest.mark.parametrize("option", ["--log-file", "--trace"])
def test_a_full_disk_loses_lines_and_nothing_else(option: str) -> None:
    code, out, _ = run(reaper(*DEBUG, option, "/dev/full", "--", "sh", "-c", "echo hi; exit 3"))
    assert (code, out) == (3, "hi\n")


def test_a_file_size_limit_is_no_signal_for_main(tmp_path: Path) -> None:
    log = tmp_path / "log"
    limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh"]
    with running(
        [*limited, *reaper("-vv", "--log-file", str(log), "--", *victim("prints_signals"))]
    ) as started:
        started.wait_line("ready")
        for _ in range(40):
            started.kill(signal.SIGUSR1)
            assert started.line() == "10"
        started.kill(signal.SIGTERM)
        assert started.finish()[0] == 0
    assert log.stat().st_size <= 1024


def test_lost_lines_are_counted_and_reported() -> None:
    """The pipe is full, then somebody reads it. The next line says how many were lost."""
    receive, send = os.pipe()
    fill(send)
    command = reaper("--trace", f"fd:{send}", "--", *victim("prints_signals"))
    with running(command, pass_fds=(send,)) as started:
        started.wait_line("ready")
        for _ in range(5):
            started.kill(signal.SIGUSR1)
            assert started.line() == "10"
        os.read(receive, 1 << 20)
        started.kill(signal.SIGTERM)
        assert started.finish()[0] == 0
    os.close(send)
    with os.fdopen(receive) as reader:
        seen = [json.loads(line) for line in reader.read().splitlines() if line.startswith("{")]
    drop = next(event for event in seen if event["event"] == "drop")
    # start, fork, exec, and two lines a signal; the last may have come when there was room again.
    assert drop["lines"] + sum(event.get("signal") == "SIGUSR1" for event in seen) == 3 + 10
    assert drop["reason"] == "EAGAIN"
    assert seen[-1]["lost"] == sum(e["lines"] for e in seen if e["event"] == "drop")


def test_the_trace_keeps_to_the_schema(placed: Placed, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    script = "(sleep 0.1 &) ; sleep 60 & kill -USR2 $PPID; kill -STOP $$; read line; exit 4"
    command = reaper(
        "--trace", str(trace), "-r", "USR2=WINCH", "--", "sh", "-c", script, '\udcff"\\\n'
    )
    with running(placed(command)) as started:
        eventually(lambda: trace.exists() and '"event":"stop"' in trace.read_text(), "stop")
        started.kill(signal.SIGCONT)
        eventually(lambda: '"event":"continue"' in trace.read_text(), "continue")
        assert started.finish()[0] == 4
    seen = trace_lines(trace)
    for event in seen:
        always, known = events.EVENTS[event["event"]]
        assert set(events.COMMON) | set(always) <= set(event), event
        assert set(event) <= {*events.COMMON, *always, *known}, event
        for field, value in event.items():
            assert type(value) in TYPES[events.FIELDS[field][0]], (field, value)
    assert seen[0]["argv"][-1] == '\udcff"\\\n'
    assert [e["event"] for e in (seen[0], seen[1], seen[2], seen[-1])] == [
        "start",
        "fork",
        "exec",
        "end",
    ]
    assert {"signal", "stop", "continue", "exit", "adopt", "reap", "shutdown"} <= {
        e["event"] for e in seen
    }
    assert seen[-1]["reaped"] == sum(event["event"] == "reap" for event in seen)


TYPES = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}


def test_a_file_is_followed_when_it_is_rotated(placed: Placed, tmp_path: Path) -> None:
    """The files are renamed, then truncated, with relative paths: the init's folder is /."""
    names = {"--trace": "trace", "--log-file": "log"}
    options = [word for pair in names.items() for word in pair]
    command = placed(reaper(*options, "-vv", "--", *victim("prints_signals")))
    files = [tmp_path / name for name in names.values()]
    with running(command, cwd=tmp_path) as started:
        started.wait_line("ready")
        for path in files:
            path.rename(path.with_suffix(".1"))
        signal_until(started, lambda: all(path.exists() for path in files))
        old = [path.with_suffix(".1").read_bytes() for path in files]
        signal_main(started)
        assert old == [path.with_suffix(".1").read_bytes() for path in files]
        for path in files:
            os.truncate(path, 0)
        signal_main(started)
        eventually(lambda: all(path.stat().st_size for path in files), "lines")
        started.kill(signal.SIGTERM)
        assert started.finish()[0] == 0
    assert b"\0" not in files[0].read_bytes() + files[1].read_bytes()
    assert trace_lines(files[0])[-1]["lost"] == 0


def test_an_idle_init_does_not_wake_to_look_at_a_file(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with running(as_pid1(reaper("--trace", str(path), "--", *victim("prints_signals")))) as started:
        started.wait_line("ready")
        path.unlink()
        eventually(lambda: state(started.pid) == "S", "idle")
        before = switches(started.pid)
        subprocess.run(["sleep", "1.2"], check=True)  # longer than from one look to the next
        assert switches(started.pid) == before and not path.exists()


def test_a_signal_in_the_trace_is_about_who_gets_it(tmp_path: Path) -> None:
    """Once main is gone, the event is not about main. The init is PID 1, main is PID 2, and the
    rest ignores TERM."""
    trace = tmp_path / "trace"
    rest = " ".join(victim("ignores_term", "own-session"))
    options = ["--trace", str(trace), "--grace", "60", "--rewrite", "USR2="]
    script = f"{rest} & read line"
    with running(as_pid1(reaper(*options, "--", "sh", "-c", script))) as started:
        started.wait_line("ready")
        started.kill(signal.SIGWINCH)
        eventually(lambda: '"forwarded"' in trace.read_text(), "forwarded")
        started.kill(signal.SIGUSR2)  # sent alone: of two pending signals the lower comes first
        eventually(lambda: '"dropped"' in trace.read_text(), "dropped")
        assert started.popen.stdin
        started.popen.stdin.close()
        eventually(lambda: '"shutdown"' in trace.read_text(), "main is gone")
        started.kill(signal.SIGWINCH)
        eventually(lambda: trace.read_text().count('"dropped"') == 2, "dropped, too")
    found = [
        (line["pid"], line["signal"], line["direction"], line.get("target"))
        for line in trace_lines(trace)
        if line["event"] == "signal"
    ]
    assert found == [
        (1, "SIGWINCH", "received", None), (2, "SIGWINCH", "forwarded", -2),
        (1, "SIGUSR2", "received", None),
        (1, "SIGUSR2", "dropped", None), (1, "SIGTERM", "sent", -1), (1, "SIGCONT", "sent", -1),
        (1, "SIGWINCH", "received", None), (1, "SIGWINCH", "dropped", None),
    ]  # fmt: skip


def test_an_exec_that_takes_long_is_told_when_it_is_over(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    slow = under_strace(tmp_path / "strace", "execve", "execve:delay_enter=300ms:when=2")
    with running([*slow, *reaper("--trace", str(trace), "--", "sleep", "60")]) as started:
        eventually(lambda: trace.exists() and '"event":"exec"' in trace.read_text(), "exec")
        os.kill(children(started.pid)[0], signal.SIGTERM)
        assert started.finish()[0] == 143


def test_mains_end_is_seen_though_main_hides_the_interpreter(tmp_path: Path) -> None:
    """Once main runs, the init loads nothing more from Python's own files."""
    script = "import sysconfig; print(sysconfig.get_path('platstdlib'))"
    folder = run([PYTHON, "-I", "-S", "-c", script])[1].strip()
    main = ["sh", "-c", f"mount -t tmpfs none {folder} && exit 7"]
    command = ["unshare", "--mount", *reaper("--trace", str(tmp_path / "trace"), "--", *main)]
    assert run(command) == (7, "", "")


def test_exact_tracing_is_refused_with_one_line_and_the_run_goes_on(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    options = ["--trace", str(trace), "--trace-mode", "exact"]
    code, _, err = run(reaper(*options, "--", "sh", "-c", "exit 3"))
    assert (code, err.count("\n")) == (3, 1)
    assert err.endswith("warning: --trace-mode exact is not built in: going on with own\n")
    assert trace_lines(trace)[0]["mode"] == "own"


# What a terminal obeys: a colour, a return, C1, separators, the direction of writing, raw bytes.
HOSTILE = "\x1b[2J\r\x85\u2028\u202e\udcff\x7f"
SHOWN = r"\x1b[2J\r\u0085\u2028\u202e\xff\x7f"


def is_plain(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_a_process_is_called_drives_no_terminal(log_format: str) -> None:
    """The name has 15 bytes, and the kernel allows any byte in it except 0."""
    name = "\x1b[2J\r\x85\u202e"
    script = f"import ctypes, signal; ctypes.CDLL(None).prctl(15, {name.encode()!r}, 0, 0, 0)\n"
    script += "signal.signal(15, signal.SIG_IGN); print('named', flush=True); signal.pause()"
    main = ["sh", "-c", f'{PYTHON} -c "$1" & read go', "sh", script]
    options = ["-vv", "--grace", "0.1", "--log-format", log_format]
    with running(as_pid1(reaper(*options, "--", *main))) as started:
        started.wait_line("named")
        started.type_line("go")
        err = started.finish()[2]
    killed = next(line for line in err.splitlines() if "killing" in line)
    message = json.loads(killed)["message"] if log_format == "json" else killed
    shown = name if log_format == "json" else r"\x1b[2J\r\u0085\u202e"
    assert f"({shown})" in message and is_plain(err)


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        ([f"--{HOSTILE}"], {}),
        (["--grace", HOSTILE], {}),
        (["--log-file", f"/nowhere/{HOSTILE}", "--", "true"], {}),
        (["--", f"/nowhere/{HOSTILE}"], {}),
        (["--", "true"], {"REAPER_GRACE": HOSTILE}),
        (["--", "true"], {f"REAPER_GRACE{HOSTILE[:2]}": "1"}),
    ],
)
def test_what_a_user_writes_drives_no_terminal(
    words: list[str], environment: dict[str, str]
) -> None:
    err = run(reaper(*words), env={**os.environ, **environment})[2]
    assert is_plain(err) and (SHOWN in err or r"\x1b[" in err)


def test_silent_when_all_is_well() -> None:
    assert run(as_pid1(reaper("--", "sh", "-c", "(true &); exit 0"))) == (0, "", "")


def test_a_json_log_line_is_json_however_long_the_message() -> None:
    code, _, err = run(reaper("--log-format", "json", "--", "\x01é" * 5000))
    assert code == 126
    assert json.loads(err)["message"].endswith(" ...")


def test_without_proc_what_is_known_is_told(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    options = ["-w", "--until", "empty", "--trace", str(trace)]  # the orphan ends by itself
    command = reaper(*options, "--", "sh", "-c", "/bin/sleep 0.05 & exit 3")
    code, _, err = run(as_pid1([*WITHOUT_PROC, *command]))
    assert code == 3 and re.search(r"reaped orphan \d+: exit code 0\n", err)
    seen = trace_lines(trace)
    reaped = {event["role"]: event for event in seen if event["event"] == "reap"}
    assert reaped["main"]["code"] == 3 and reaped["orphan"]["code"] == 0
    assert reaped["main"]["max_rss"] > 0
    assert {e["role"] for e in seen if e["event"] == "exit"} == {"main", "orphan"}
    assert [event["event"] for event in seen].count("adopt") == 1


def test_json_log_lines() -> None:
    code, _, err = run(reaper("-vv", "--log-format", "json", "--", "true"))
    lines = [json.loads(line) for line in err.splitlines()]
    assert code == 0
    assert all([*line] == ["ts", "level", "program", "event", "message"] for line in lines)
    assert {line["program"] for line in lines} == {"reaper"}
    assert {line["event"] for line in lines} <= set(LOG_EVENTS)
    assert {line["level"] for line in lines} <= {"debug", "info"}


SITUATIONS = {
    "exec": (["/nowhere/program"], 127),
    "main_ended": (["sh", "-c", "kill -KILL $$"], 137),
    "kill": (["--grace", "0.1", "--", "sh", "-c", "trap '' TERM; sleep 60 & exit 0"], 0),
    "trace_mode": (["--trace-mode", "exact", "true"], 0),
}


@pytest.mark.parametrize(("event", "words", "code"), [(e, *s) for e, s in SITUATIONS.items()])
def test_a_json_log_line_names_its_event(event: str, words: list[str], code: int) -> None:
    ended, _, err = run(as_pid1(reaper("--log-format", "json", *words)))
    assert (ended, {json.loads(line)["event"] for line in err.splitlines()}) == (code, {event})


@pytest.mark.parametrize("target", ["/nowhere/log", "fd:77", "/"])
@pytest.mark.parametrize("option", ["--log-file", "--trace"])
def test_a_target_that_cannot_be_written_starts_nothing(option: str, target: str) -> None:
    code, out, err = run(reaper(option, target, "--", "echo", "started"))
    assert (code, out) == (125, "")
    assert err.splitlines()[0].startswith(f'reaper: {option}: cannot write to "{target}": ')
    assert err.count("\n") == 2
