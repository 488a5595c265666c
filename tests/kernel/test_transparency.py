"""Main sees no init: what it finds is what it would find when started directly."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from support import (
    PYTHON,
    WITHOUT_PROC,
    as_pid1,
    eventually,
    reaper,
    run,
    running,
    under_strace,
    victim,
)

pytestmark = pytest.mark.every_form

PLAIN = {"PATH": "/usr/bin:/bin", "EMPTY": "", "LANG": "C"}


def output(command: list[str], **options: object) -> bytes:
    options = {"env": PLAIN, "timeout": 60, **options}
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, **options).stdout  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("file", ["environ", "limits", "oom_score_adj", "cgroup", "mountinfo"])
def test_proc_files_are_the_same(file: str) -> None:
    """The test reads both in a mount namespace of its own, as the machine may mount meanwhile."""
    command = ["cat", f"/proc/self/{file}"]
    script = f'cat /proc/self/{file} && echo === && exec "$@"'
    both = output(["unshare", "--mount", "sh", "-c", script, "sh", *reaper("--", *command)])
    direct, _, through = both.partition(b"===\n")
    assert direct and through == direct


ENVIRONMENTS = [
    PLAIN,
    {"PATH": "/usr/bin:/bin"},
    {**PLAIN, "LC_CTYPE": "C"},
    {**PLAIN, "LC_CTYPE": "C.UTF-8"},
    {**PLAIN, "LC_ALL": "C"},
    {**PLAIN, "PYTHONPATH": "/nowhere", "PYTHONHOME": "/nonsense", "PYTHONINSPECT": "1"},
    {**PLAIN, "REAPER_GRACE": "3", "LD_LIBRARY_PATH": ""},
    {**PLAIN, "LD_LIBRARY_PATH": "/lib", "LD_LIBRARY_PATH_ORIG": "mine"},
]
# CPython replaces these; without /proc the old value can only be guessed.
REPLACED = [{**PLAIN, "LC_CTYPE": "POSIX", "LAST": "1"}, {**PLAIN, "LC_CTYPE": "xx_YY.nonsense"}]


@pytest.mark.parametrize("environ", ENVIRONMENTS + REPLACED)
def test_environment_byte_for_byte(environ: dict[str, str]) -> None:
    """`env -0` prints the block that it was given, in its order."""
    command = ["env", "-0"]
    assert output(reaper("--", *command), env=environ) == output(command, env=environ)


@pytest.mark.parametrize("environ", ENVIRONMENTS)
def test_environment_byte_for_byte_without_proc(environ: dict[str, str]) -> None:
    direct = output([*WITHOUT_PROC, "env", "-0"], env=environ)
    assert output([*WITHOUT_PROC, *reaper("--", "env", "-0")], env=environ) == direct


ODD = [
    [b"PATH=/usr/bin:/bin", b"NOEQUALS", b"A=1", b"A=2", b"=x", b"", b"\xff\xfe=\x80\xff"],
    [b"A=1", b"LC_CTYPE=C", b"LC_CTYPE=POSIX", b"PATH=/bin"],
    [b"LD_PRELOAD=", b"A=1", b"LD_LIBRARY_PATH=/a", b"LD_LIBRARY_PATH=/b", b"PATH=/bin", b"LD_X"],
    [b"PYINSTALLER_RESET_ENVIRONMENT=1", b"A=1", b"_PYI_ARCHIVE_FILE=/app/app", b"_PYI_OTHER=1",
     b"_PYI_PARENT_PROCESS_LEVEL=abc", b"_PYI_REAPER_MASK=zz", b"_PYI_REAPER_NAME=tini",
     b"_PYI_REAPER_HIDDEN=LD_PRELOAD=/no", b"_PYI_REAPER_MASK=zz"],
    [],
]  # fmt: skip


@pytest.mark.parametrize("environ", ODD)
def test_odd_environments(environ: list[bytes]) -> None:
    cat = [b"/bin/cat", b"/proc/self/environ"]
    assert _raw(cat, environ) == _raw([*_reaper_raw(), b"--", *cat], environ)


def test_arguments_byte_for_byte() -> None:
    words = [b"", b"--", b"-h", b"\xff\xfe", "ü".encode(), b"x" * 100_000, b"a b\n"]
    command = [b"/usr/bin/printf", b"%s\\0", *words]
    got = _raw([*_reaper_raw(), b"--", *command], [b"PATH=/bin"])
    assert got.split(b"\0")[:-1] == words


def test_a_program_whose_name_is_not_utf8(tmp_path: Path) -> None:
    program = tmp_path / os.fsdecode(b"\xff\xfe")
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o755)
    path = b"PATH=" + os.fsencode(tmp_path)
    for name in (os.fsencode(program), b"\xff\xfe"):
        assert _raw([*_reaper_raw(), b"--", name], [path]) == b"here\n"


def _reaper_raw() -> list[bytes]:
    return [os.fsencode(word) for word in reaper()]


def _raw(argv: list[bytes], environ: list[bytes]) -> bytes:
    given = {"argv": [word.hex() for word in argv], "environ": [word.hex() for word in environ]}
    return output(victim("execs_raw"), input=json.dumps(given).encode())


def test_argv0_is_the_program_as_given() -> None:
    assert run(reaper("--", "cat", "/proc/self/cmdline"))[1] == "cat\0/proc/self/cmdline\0"


@pytest.mark.parametrize("name", ["SigBlk", "SigIgn", "SigCgt", "Umask", "NoNewPrivs", "Groups"])
@pytest.mark.parametrize("inherited", ["plain", "nohup", "blocked", "chld"])
def test_signal_state_is_inherited(name: str, inherited: str) -> None:
    """There are three exceptions: main has PIPE, XFSZ and CHLD at default."""

    def prepare() -> None:
        os.umask(0o27)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        if inherited == "nohup":
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        if inherited == "blocked":
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, 40])

    def ignoring_chld() -> None:
        prepare()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    command = ["grep", name, "/proc/self/status"]
    chosen = ignoring_chld if inherited == "chld" else prepare
    through = output(reaper("--", *command), preexec_fn=chosen)
    assert through == output(command, preexec_fn=prepare)


@pytest.mark.parametrize("trace", [False, True], ids=["plain", "traced"])
def test_descriptors(trace: bool, tmp_path: Path) -> None:
    """Main has no descriptor of ours, misses none, and their blocking mode is unchanged."""
    options = ["--trace", str(tmp_path / "t"), "--log-file", str(tmp_path / "l")] if trace else []
    receive, send = os.pipe()
    os.set_blocking(send, False)
    show = "for f in /proc/self/fd/*; do echo $f $(readlink $f); done; cat /proc/self/fdinfo/$0"
    command = ["bash", "-c", show, str(send)]

    def lines(command: list[str]) -> list[bytes]:
        found = output(command, pass_fds=(receive, send), stdin=subprocess.DEVNULL)
        return [line for line in found.splitlines() if b"pipe" in line or b"flags" in line]

    def names(found: list[bytes]) -> list[bytes]:
        return sorted(line.split()[0] if b"flags" not in line else line for line in found)

    assert names(lines(reaper(*options, "--", *command))) == names(lines(command))
    os.close(receive)
    os.close(send)


def test_the_inits_own_descriptors_are_closed_and_it_keeps_no_folder(tmp_path: Path) -> None:
    receive, send = os.pipe()
    command = reaper("--", "sh", "-c", "pwd; read line")
    with running(command, pass_fds=(receive, send), cwd=tmp_path) as started:
        started.wait_line(str(tmp_path))
        init = Path(f"/proc/{started.pid}")
        # The init changes its folder after it has closed the descriptors.
        eventually(lambda: (init / "cwd").readlink() == Path("/"))
        found = {file.name for file in (init / "fd").iterdir()}
    os.close(receive)
    os.close(send)
    assert not {str(send), str(receive)} & found


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_closed_standard_descriptors_stay_closed_for_main(
    closed: tuple[int, ...], tmp_path: Path
) -> None:
    result = tmp_path / "fds"
    show = f"ls /proc/$$/fd >{result}"
    redirect = " ".join(f"{number}{'<' if number == 0 else '>'}&-" for number in closed)
    for options in ((), ("-vv",), ("--trace", str(tmp_path / "t"))):
        inner = reaper(*options, "--", "bash", "-c", show)
        assert run(["sh", "-c", f'exec "$@" {redirect}', "sh", *inner])[0] == 0
        found = set(map(int, result.read_text().split()))
        assert not found & set(closed)


def test_the_descriptor_of_the_trace_is_not_mains() -> None:
    receive, send = os.pipe()
    command = reaper("--trace", f"fd:{send}", "--", "ls", "/proc/self/fd")
    shown = output(command, pass_fds=(send,)).split()
    os.close(send)
    events = os.read(receive, 65536)
    os.close(receive)
    assert str(send).encode() not in shown
    assert events.startswith(b'{"ts":')


def test_process_group_and_parent() -> None:
    shown = run(as_pid1(reaper("--", "ps", "-o", "pid=,ppid=,pgid="), "--mount"))[1].split()
    pid, ppid, pgid = map(int, shown[-3:])
    assert (ppid, pgid) == (1, pid)


def test_listen_pid_names_main() -> None:
    """systemd sets it to the pid of the process that it starts, which here becomes the init."""
    command = ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh"]
    code = 'test "$LISTEN_PID" = $$'
    assert run([*command, *reaper("--", "sh", "-c", code)])[0] == 0
    assert (
        run(["env", "LISTEN_PID=77", *reaper("--", "sh", "-c", 'test "$LISTEN_PID" = 77')])[0] == 0
    )


def test_python_variables_of_the_container_are_mains(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('mine', flush=True)\n")
    (tmp_path / "signal.py").write_text("raise SystemExit('not yours')\n")
    environ = {**PLAIN, "PYTHONPATH": str(tmp_path), "PYTHONINSPECT": "1", "PYTHONSTARTUP": "x"}
    code, out, err = run(reaper("--", "true"), env=environ)
    assert (code, out, err) == (0, "", "")
    nonsense = {**PLAIN, "PYTHONHOME": "/nonsense", "PYTHONOPTIMIZE": "x", "PYTHONUTF8": "7"}
    assert run(reaper("--", "sh", "-c", "echo $PYTHONHOME"), env=nonsense) == (0, "/nonsense\n", "")


def test_no_file_of_ours_is_read_when_main_runs(tmp_path: Path) -> None:
    """Main may replace it, unmount it, or change its root."""
    log = tmp_path / "strace"
    trace = under_strace(log, "clone,fork,vfork,openat")
    assert run([*trace, *reaper("-vv", "--", "true")])[0] == 0
    calls = log.read_text().splitlines()
    fork = next(at for at, call in enumerate(calls) if " clone(" in call or " fork(" in call)
    init = calls[fork].split()[0]
    opened = [call for call in calls[fork:] if call.startswith(init) and "openat" in call]
    assert opened
    assert [call for call in opened if ".py" in call or ".so" in call] == []


def test_the_modules_that_a_start_loads() -> None:
    """Every import is paid by every container's start: what is new here needs a reason."""
    program = reaper()[-1]
    err = run([PYTHON, "-I", "-S", "-X", "importtime", program, "sh", "-c", "exit"])[2]
    out = [line.rpartition("|")[2].strip() for line in err.splitlines() if "import time" in line]
    out = out[out.index("reaper") :]
    others = {name for name in out if not name.startswith("reaper")}
    ours = {name.removeprefix("reaper.") for name in out if name.startswith("reaper")}
    assert ours == {
        "reaper", "signals", "status", "init", "init.options", "init.core", "init.kernel",
        "init.launch", "init.loop", "init.journal", "init.environment", "init.proc", "init.hands",
        "init.reaping", "init.report", "init.start", "init.surroundings", "init.linux",
        "init.run", "init.tracee", "init.typos", "escape",
    }  # fmt: skip
    assert others <= {"errno", "gc", "select", "_ctypes"}
