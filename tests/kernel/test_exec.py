"""How main's program is found and started: execvp(3), with one line if that fails."""

import os
import sys
from pathlib import Path

import pytest
from support import Placed, reaper, run, under_strace

pytestmark = pytest.mark.every_form


def write(path: Path, text: str | bytes, mode: int = 0o755) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_a_file_without_a_shebang_runs_under_sh(tmp_path: Path) -> None:
    script = write(tmp_path / "script", "echo $0 $1; exit 3\n")
    assert run(reaper("--", str(script), "x")) == (3, f"{script} x\n", "")
    environ = {"PATH": f"/nowhere:{tmp_path}"}
    assert run(reaper("--", "script", "y"), env=environ)[:2] == (3, f"{script} y\n")


def cases(folder: Path) -> dict[str, tuple[str, int, str]]:
    """program, exit code, what the line says"""
    write(folder / "plain", "no", 0o644)
    write(folder / "shebang", "#!/no/such/interpreter -x\n")
    write(folder / "windows", "#!/bin/sh\r\necho\r\n")
    write(folder / "text-interpreter", f"#!{folder}/plain\n")
    write(folder / "elf", b"\x7fELF" + b"\0" * 60)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "empty-folder").mkdir()
    os.mkfifo(folder / "fifo", 0o755)
    return {
        "ENOENT": (f"{folder}/none", 127, "not found"),
        "ENOENT by PATH": ("none", 127, f"not found (searched PATH=/usr/bin:{folder})"),
        "ENOENT of the interpreter": (
            f"{folder}/shebang",
            127,
            "interpreter is not there: /no/such",
        ),
        "ENOENT of the interpreter by PATH": ("shebang", 127, "interpreter is not there: /no/such"),
        "carriage return": (
            f"{folder}/windows",
            127,
            "interpreter is not there: /bin/sh; remove the carriage return",
        ),
        "dangling link": (f"{folder}/dangling", 127, "not found"),
        "empty": ("", 127, "not found"),
        "EACCES": (f"{folder}/plain", 126, "Permission denied (EACCES); is it executable"),
        "EACCES by PATH": ("plain", 126, "Permission denied (EACCES)"),
        "EACCES of the interpreter": (f"{folder}/text-interpreter", 126, "(EACCES)"),
        "a folder": (f"{folder}/empty-folder", 126, "(EACCES)"),
        "a fifo": (f"{folder}/fifo", 126, "(EACCES)"),
        "ENOTDIR": (f"{folder}/plain/x", 126, "(ENOTDIR)"),
        "ELOOP": (f"{folder}/loop", 126, "(ELOOP)"),
        "ENAMETOOLONG": ("x" * 300, 126, "(ENAMETOOLONG)"),
        "ENOEXEC of a binary": (f"{folder}/elf", 126, "built for another machine"),
    }


@pytest.mark.parametrize("name", [
    "ENOENT", "ENOENT by PATH", "ENOENT of the interpreter", "ENOENT of the interpreter by PATH",
    "carriage return", "dangling link", "empty", "EACCES",
    "EACCES by PATH", "EACCES of the interpreter", "a folder", "a fifo", "ENOTDIR", "ELOOP",
    "ENAMETOOLONG", "ENOEXEC of a binary",
])  # fmt: skip
def test_every_failure_has_its_code_and_one_line(name: str, placed: Placed, tmp_path: Path) -> None:
    program, code, text = cases(tmp_path)[name]
    command = reaper("--", program, "argument")
    environ = {"PATH": f"/usr/bin:{tmp_path}"}
    got, out, err = run(placed(command), env=environ)
    assert (got, out) == (code, "")
    assert f'reaper: exec "{program}": ' in err
    assert text in err
    assert err.count("\n") == 1


def test_e2big() -> None:
    """The kernel takes a quarter of the stack limit for arguments; the init lets main have all."""
    words = ["x" * 100_000] * 3
    lower = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 23))\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    small = [sys.executable, "-c", lower]
    assert run([*small, *reaper("--", "true", *words[:1])])[0] == 0
    script = 'exec "$@"'
    assert run(reaper("--", "sh", "-c", script, "sh", "true", *words))[0] == 0


@pytest.mark.parametrize(
    "path", ["/nowhere:/usr/bin", ":/usr/bin", "/dev/null:/usr/bin", "/etc/passwd/x:/usr/bin"]
)
def test_search_goes_on_as_execvp_does(path: str) -> None:
    assert run(reaper("--", "true"), env={"PATH": path})[0] == 0


def test_eacces_is_remembered_but_does_not_stop_the_search(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    write(first / "tool", "no", 0o644)
    write(second / "tool", "#!/bin/sh\necho found\n")
    assert run(reaper("--", "tool"), env={"PATH": f"{first}:{second}"})[1] == "found\n"


def test_an_unset_path_and_an_empty_one(tmp_path: Path) -> None:
    assert run(reaper("--", "true"), env={})[0] == 0
    write(tmp_path / "here", "#!/bin/sh\necho here\n")
    assert run(reaper("--", "here"), env={"PATH": ""}, cwd=tmp_path)[1] == "here\n"


def test_a_noexec_mount(tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o noexec none {tmp_path} && cp /bin/true {tmp_path}/ && exec "$@"'
    inside = ["env", "unshare", "--mount", "sh", "-c", mount, "sh"]
    code, _, err = run([*inside, *reaper("--", f"{tmp_path}/true")])
    assert code == 126
    assert "file system not mounted noexec?" in err


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    log = tmp_path / "strace"
    code, out, err = run([*under_strace(log, "pipe2", "pipe2:error=EMFILE"), *reaper("--", "true")])
    assert (code, out, err.count("\n")) == (125, "", 1)
    assert "Too many open files (EMFILE); raise the limit on open files (ulimit -n)" in err


def test_no_process_can_be_made() -> None:
    """RLIMIT_NPROC is 0. The init says so in one line and leaves with 125."""
    limit = ["prlimit", "--nproc=0", "setpriv", "--reuid=54321", "--clear-groups", "--regid=54321"]
    code, out, err = run([*limit, *reaper("--", "true")])
    assert (code, out, err.count("\n")) == (125, "", 1)
    assert 'cannot start "true": Resource temporarily unavailable (EAGAIN); raise' in err
