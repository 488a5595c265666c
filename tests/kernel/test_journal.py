"""The log and the trace never hurt: full pipes, dead readers, full disks; nothing reaches main."""

import json
import os
import re
import signal
import socket
from pathlib import Path

import pytest
from support import (
    PYTHON,
    WITHOUT_PROC,
    Placed,
    as_pid1,
    children,
    eventually,
    reaper,
    run,
    running,
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
    assert os.get_blocking(send)  # the description is shared with main
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
            assert started.line() == "10"  # and no 13 of a SIGPIPE
        started.kill(signal.SIGPIPE)
        assert started.line() == "13"  # somebody else's is forwarded
        started.kill(signal.SIGTERM)
        assert started.finish()[0] == 0


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
    """The pipe is full, then read; the next line is the count."""
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
    assert seen[-1]["dropped"] == sum(e["lines"] for e in seen if e["event"] == "drop")


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


def test_an_exec_that_takes_long_is_told_when_it_is_over(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    slow = under_strace(tmp_path / "strace", "execve", "execve:delay_enter=300ms:when=2")
    with running([*slow, *reaper("--trace", str(trace), "--", "sleep", "60")]) as started:
        eventually(lambda: trace.exists() and '"event":"exec"' in trace.read_text(), "exec")
        os.kill(children(started.pid)[0], signal.SIGTERM)
        assert started.finish()[0] == 143


def test_mains_end_is_seen_though_main_hides_the_interpreter(tmp_path: Path) -> None:
    """From a Python's own files nothing is loaded any more."""
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


def test_silent_when_all_is_well() -> None:
    assert run(as_pid1(reaper("--", "sh", "-c", "(true &); exit 0"))) == (0, "", "")


def test_a_json_log_line_is_json_however_long_the_message() -> None:
    code, _, err = run(reaper("--log-format", "json", "--", "\x01é" * 5000))
    assert code == 126
    assert json.loads(err)["message"].endswith(" ...")


def test_without_proc_what_is_known_is_told(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    script = "(/bin/sleep 0.05 &) | /bin/cat; exit 3"  # cat waits for the orphan's end
    command = reaper("-w", "--trace", str(trace), "--", "sh", "-c", script)
    code, _, err = run(as_pid1([*WITHOUT_PROC, *command]))
    assert code == 3 and re.search(r"reaped orphan \d+, exited with code 0\n", err)
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
