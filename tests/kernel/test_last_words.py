"""The termination log of Kubernetes: why main ended, in one line, if main wrote nothing itself."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from ctl import control_group, within
from support import as_pid1, reaper, run, running, victim

pytestmark = pytest.mark.every_form


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """As the kubelet makes it: there, empty, and anybody may write to it."""
    made = tmp_path / "termination-log"
    made.touch()
    made.chmod(0o666)
    return made


def words(file: Path, *options: str, code: int | None = None, said: str = "") -> str:
    """What is in the file after a run."""
    got, _, err = run(reaper(f"--termination-log={file}", *options))
    assert code is None or got == code
    assert said in err
    return file.read_text()


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (["true"], "exited with code 0"),
        (["sh", "-c", "exit 3"], "exited with code 3"),
        (["sh", "-c", "kill -KILL $$"], "killed by SIGKILL (9), not sent by us"),
        (victim("dies_by", "11"), "killed by SIGSEGV (11), not sent by us"),
        (["/nowhere/x\n\x1b[1m"], r'exec "/nowhere/x\n\x1b[1m": not found'),
        (["/dev/null"], 'exec "/dev/null": Permission denied (EACCES); is it executable '
         "(chmod +x), and its file system not mounted noexec?"),
    ],
)  # fmt: skip
def test_how_main_ended(file: Path, command: list[str], line: str) -> None:
    assert words(file, "--", *command) == f"{line}\n"


def test_a_core_that_was_dumped_is_said_too(file: Path) -> None:
    """The limits of this machine decide whether a core is dumped."""
    assert words(file, "--", *victim("dies_by", "6")).startswith("killed by SIGABRT (6)")


def test_who_sent_the_signal(file: Path) -> None:
    """A sender in the namespace is named by pid and name. Nobody knows a sender outside it."""
    script = 'sh -c "kill -TERM 1; read never" & exec sleep 60'
    command = reaper(f"--termination-log={file}", "-e", "stop", "--", "sh", "-c", script)
    assert run(as_pid1(command))[0] == 0
    said = file.read_text()
    assert said.startswith("killed by SIGTERM (15), which was forwarded from ")
    assert said.endswith(" (sh)\n")


def test_a_signal_from_outside(file: Path) -> None:
    command = as_pid1(reaper(f"--termination-log={file}", "-r", "TERM=INT", "--", "sleep", "60"))
    with running(command) as started:
        assert started.main_pid
        started.kill(signal.SIGTERM)
        started.finish()
    forwarded = "which was forwarded for SIGTERM (15) from outside the container"
    assert file.read_text() == f"killed by SIGINT (2), {forwarded}\n"


def test_a_main_that_ends_when_told(file: Path) -> None:
    command = as_pid1(reaper(f"--termination-log={file}", "--", *victim("prints_signals")))
    with running(command) as started:
        started.wait_line("ready")
        started.kill(signal.SIGTERM)
        started.finish()
    line = "exited with code 0 after SIGTERM (15) from outside the container"
    assert file.read_text() == f"{line}\n"


def test_a_stop_timeout(file: Path) -> None:
    main = victim("ignores_term")
    options = ["--stop-timeout", "0.2", f"--termination-log={file}"]
    with running(as_pid1(reaper(*options, "--", *main))) as started:
        started.wait_line("ready")
        started.kill(signal.SIGTERM)
        started.finish()
    assert file.read_text() == "killed by SIGKILL (9) by us: it outlived --stop-timeout 0.2\n"


def test_want_of_memory(file: Path) -> None:
    main = ["sh", "-c", "read go; x=x; while :; do x=$x$x; done"]
    command = as_pid1(reaper("-v", f"--termination-log={file}", "--", *main))
    with (
        control_group("memory", 48 << 20) as group,
        running(within(group, *command)) as started,
    ):
        assert started.popen.stderr
        assert b"memory limit" in started.popen.stderr.readline()  # the count has been read
        started.type_line("")
        started.finish()
    line = "killed by SIGKILL (9): out of memory (limit 48 MiB, peak 48 MiB)"
    assert file.read_text() == f"{line}\n"


def test_what_main_wrote_stays(file: Path) -> None:
    script = f"echo mine >{file}; exit 3"
    assert words(file, "--", "sh", "-c", script) == "mine\n"


def test_a_descriptor_that_main_has_open(file: Path) -> None:
    script = f"exec 3<>{file}; printf 'mine\n' >&3; kill -9 $$"
    assert words(file, "--", "sh", "-c", script) == "mine\n"


def test_off(file: Path) -> None:
    assert run(["env", f"REAPER_TERMINATION_LOG={file}", *reaper("--", "sh", "-c", "exit 3")])[0]
    assert file.read_text() == "exited with code 3\n"
    file.write_text("")
    assert words(file, "--termination-log=off", "--", "false") == ""


def test_the_last_process_has_its_say_first(file: Path) -> None:
    """With --until empty the container does not end with main."""
    script = f"(while kill -0 $$; do :; done; [ ! -s {file} ] && echo rest >{file}) & exit 3"
    assert words(file, "--until=empty", "--", "sh", "-c", f"{{ {script}; }} 2>&-") == "rest\n"
    file.write_text("")
    assert words(file, "--until=empty", "--", "sh", "-c", "exit 4") == "exited with code 4\n"


def test_a_usage_error(file: Path) -> None:
    command = ["env", f"REAPER_TERMINATION_LOG={file}", *reaper("--nonsense", "--", "true")]
    assert run(command)[0] == 125
    assert file.read_text() == 'unknown option "--nonsense"\n'


def test_a_main_that_cannot_be_forked(file: Path) -> None:
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=clone,fork:error=EAGAIN"]
    command = reaper(f"--termination-log={file}", "--", "true")
    assert run([*strace, *command])[0] == 125
    assert file.read_text().startswith('cannot start "true": Resource temporarily unavailable')


def test_it_is_cut_to_what_the_kubelet_takes(file: Path) -> None:
    said = words(file, "--", "/" + "é" * 5000, code=126)
    assert len(said.encode()) == 4096 and said.endswith("é\n")


def test_a_file_that_is_missing_is_not_made(file: Path) -> None:
    file.unlink()
    run(reaper(f"--termination-log={file}", "--", "true"))
    assert not file.exists()
    err = run(reaper(f"--termination-log={file}", "--", "true"))[2]
    cannot = f'warning: --termination-log: cannot write to "{file}": No such file or directory\n'
    assert err.endswith(cannot)


@pytest.mark.parametrize("reader", [False, True])
def test_a_fifo_is_refused(file: Path, reader: bool) -> None:
    file.unlink()
    os.mkfifo(file)
    kept = os.open(file, os.O_RDONLY | os.O_NONBLOCK) if reader else -1
    err = run(reaper(f"--termination-log={file}", "--", "true"))[2]
    assert err.endswith(f'cannot write to "{file}": it is no regular file\n')
    if reader:
        assert os.read(kept, 1) == b""
        os.close(kept)


@pytest.fixture
def kubelet(file: Path) -> Iterator[list[str]]:
    """Words to put before a command, which then runs as a user who is not root, with the file bound
    to its usual place and all else read-only."""
    place = Path("/dev/termination-log")
    made = not place.exists()
    if made:
        place.touch()
    script = (
        f"mount --bind {file} {place} && mount -o remount,bind,ro / && "
        'exec setpriv --reuid=54321 --regid=54321 --clear-groups "$@"'
    )
    yield ["unshare", "--mount", "sh", "-c", script, "sh"]
    if made:
        place.unlink()


def test_kubernetes(kubelet: list[str], file: Path) -> None:
    """No option asks for it: it is enough that the file is there."""
    code, _, err = run([*kubelet, *reaper("--", "sh", "-c", "exit 3")])
    assert (code, err) == (3, "")
    assert file.read_text() == "exited with code 3\n"


def test_without_kubernetes_nothing_is_said(kubelet: list[str], file: Path) -> None:
    """Nothing is said either if the file belongs to another user."""
    file.chmod(0o600)
    assert run([*kubelet, *reaper("--", "true")]) == (0, "", "")
    assert stat.S_ISREG(file.stat().st_mode) and not file.stat().st_size
    assert run(reaper("--", "true")) == (0, "", "")
