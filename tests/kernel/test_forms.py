"""What each form promises beyond what the other tests ask of it: it starts anywhere, adds nothing.

The other kernel tests run in every form too: `make test` goes through REAPER_TEST_FORM.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from images import image, inside
from support import FORMS, REPO, run, running

from reaper import __version__
from reaper.inspector.commands import COMMANDS

SITE_PACKAGES = next((REPO / "build" / "forms" / "wheel" / "lib").glob("python3*/site-packages"))
BUNDLE = REPO / "build" / "bundle" / "reaper"  # to stand at /opt/reaper
STATIC = Path(FORMS["static"][0])
COMPILED = ("static", "bundle")
each_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture
def console_script(tmp_path: Path) -> Path:
    script = tmp_path / "reaper"
    script.write_text("#!/usr/bin/python3\nfrom reaper.console import main\nmain()\n")
    script.chmod(0o755)
    return script


def in_image(form: str, script: Path) -> tuple[list[str], dict[Path, str]]:
    """How the form is started where it is installed as the manual says, and what to put there."""
    python = ["/usr/bin/python3", "-I", "-S"]
    packages = "/usr/lib/python3/dist-packages/reaper"
    return {
        "static": (["/usr/local/bin/reaper"], {STATIC: "/usr/local/bin/reaper"}),
        "bundle": (["/opt/reaper/reaper"], {BUNDLE: "/opt/reaper"}),
        "source": ([*python, f"{packages}/__main__.py"], {REPO / "reaper": packages}),
        "zipapp": ([*python, "/opt/reaper.pyz"], {Path(FORMS["zipapp"][-1]): "/opt/reaper.pyz"}),
        "wheel": (
            ["/usr/local/bin/reaper-script"],
            {SITE_PACKAGES / "reaper": packages, script: "/usr/local/bin/reaper-script"},
        ),
    }[form]


PLACES = [(name, form) for name in ("scratch", "bullseye") for form in COMPILED]
PLACES += [("trixie", form) for form in FORMS]


@pytest.mark.parametrize(("name", "form"), PLACES)
def test_runs_as_nobody_in_a_read_only_image(name: str, form: str, console_script: Path) -> None:
    command, bind = in_image(form, console_script)
    main = ["/bin/sh", "-c", 'trap "echo ended; exit 9" TERM; echo ready; read line']
    with running(inside(image(name), [*command, *main], bind)) as started:
        started.wait_line("ready")
        status = Path(f"/proc/{started.pid}/status").read_text()
        assert "NSpid" in status and status.split("NSpid:")[1].split()[1] == "1"
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        started.kill(signal.SIGTERM)
        started.wait_line("ended")
        assert started.finish() == (9, "", "")


@each_form
def test_tells_its_version(form: str) -> None:
    assert run([*FORMS[form], "--version"]) == (0, f"reaper {__version__}\n", "")


@pytest.mark.parametrize("name", ["tini", "docker-init"])
@pytest.mark.parametrize("form", ["static", "bundle", "wheel"])
def test_docker_understands_its_version(form: str, name: str, tmp_path: Path) -> None:
    link = tmp_path / name
    link.symlink_to(FORMS[form][0])
    # What dockerd takes apart: "tini version V - git.COMMIT", no dot in COMMIT.
    code, out, _ = run([str(link), "--version"])
    version, _, commit = out.strip().partition(" - ")
    assert code == 0
    assert version.startswith("tini version ")
    assert commit.split(".") == ["git", f"reaper-{__version__.replace('.', '-')}"]


@pytest.mark.parametrize("form", COMPILED)
def test_starts_under_any_name(form: str, tmp_path: Path) -> None:
    for name in ("-", "a name", "/no/such/place", ""):
        started = subprocess.run(
            [name, "sh", "-c", "exit 4"], executable=FORMS[form][0], cwd=tmp_path, check=False
        )
        assert started.returncode == 4, name


ENVIRONMENTS: dict[str, Mapping[bytes, bytes]] = {
    "empty": {},
    "no library path": {b"A": b"1", b"LC_ALL": b"C", b"B": b"\xff"},
    "a library path": {b"LD_LIBRARY_PATH": b"/nowhere:/else", b"A": b"1"},
    "an empty library path": {b"A": b"1", b"LD_LIBRARY_PATH": b"", b"B": b"2"},
    "the locale that CPython likes": {b"LC_CTYPE": b"C.UTF-8", b"A": b"1"},
}


@pytest.mark.parametrize("case", ENVIRONMENTS)
@each_form
def test_gives_the_environment_on(form: str, case: str) -> None:
    given = ENVIRONMENTS[case]
    command = [*FORMS[form], "/usr/bin/env", "-0"]
    seen = subprocess.run(command, env=given, capture_output=True, check=True).stdout
    assert seen == b"".join(name + b"=" + value + b"\0" for name, value in given.items())


@each_form
def test_gives_the_signal_mask_on(form: str) -> None:
    blocked = {signal.SIGUSR1, signal.SIGRTMIN + 2}

    def block() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    command = [*FORMS[form], "/bin/grep", "SigBlk", "/proc/self/status"]
    seen = subprocess.run(command, preexec_fn=block, capture_output=True, text=True, check=True)
    assert int(seen.stdout.split()[1], 16) == sum(1 << (number - 1) for number in blocked)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "wheel"])
def test_pays_no_heed_to_variables_for_main(form: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('this is main\\'s')\n")
    given = {"PYTHONHOME": "/nonsense", "PYTHONPATH": str(tmp_path), "PYTHONINSPECT": "1"}
    assert run([*FORMS[form], "/bin/true"], env=given) == (0, "", "")


def test_the_bundle_has_reaperctl() -> None:
    """Every command is in it with all that it imports; two of them look at what runs here."""
    program = str(Path(FORMS["bundle"][0]).with_name("reaperctl"))
    for command in COMMANDS:
        code, out, err = run([program, command, "--help"])
        assert (code, err) == (0, ""), command
        assert f"reaperctl {command} " in out
    code, out, err = run([program, "ps", "--json", str(os.getpid())])
    assert (code, err) == (0, "")
    assert [row["pid"] for row in json.loads(out)["rows"]] == [os.getpid()]
    code, out, err = run([program, "doctor", "--json"])
    assert code == (1 if json.loads(out)["findings"] else 0)
    assert err == ""


# -- bad input: the line is the shell's or the loader's, and there is one of it


def fails_with_one_line(command: list[str], code: int) -> str:
    ended, out, err = run(command)
    assert (ended, out) == (code, "")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("form", COMPILED)
def test_on_a_noexec_mount(form: str, console_script: Path) -> None:
    (program,), bind = in_image(form, console_script)
    command = inside(image("scratch"), ["/bin/sh", "-c", program], bind, options="ro,noexec")
    assert "Permission denied" in fails_with_one_line(command, 126)


def test_for_another_machine(tmp_path: Path) -> None:
    program = bytearray(STATIC.read_bytes())
    machine = program[18]
    program[18] = 183 if machine == 62 else 62  # e_machine: EM_AARCH64, EM_X86_64
    (tmp_path / "reaper").write_bytes(program)
    (tmp_path / "reaper").chmod(0o755)
    command = ["/bin/bash", "-c", str(tmp_path / "reaper")]
    assert "Exec format error" in fails_with_one_line(command, 126)


@pytest.mark.parametrize("lost", ["lib", "lib/libpython*", "lib/libc.so.6"])
def test_with_a_part_of_the_bundle_lost(lost: str, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(BUNDLE, folder)
    for path in folder.glob(lost):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    command = ["/bin/sh", "-c", "/opt/reaper/reaper --version"]
    ended, out, err = run(inside(image("scratch"), command, {folder: "/opt/reaper"}))
    assert ended in (1, 126, 127, 255)
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert out == ""


# -- how it is built


def test_static_needs_no_loader() -> None:
    headers = subprocess.run(["readelf", "-lW", STATIC], capture_output=True, text=True, check=True)
    assert "INTERP" not in headers.stdout
    assert "DYNAMIC" not in headers.stdout


def test_sizes() -> None:
    """Generous bounds: what they catch is a library that slipped in."""
    loaded = [BUNDLE / "reaper", *(BUNDLE / "lib").glob("*.so*")]
    assert STATIC.stat().st_size < 6.5e6
    assert sum(file.stat().st_size for file in loaded) < 12e6


@pytest.mark.parametrize(
    ("target", "made"),
    [("static", "build/static/reaper"), ("bundle", "build/bundle"), ("zipapp", "dist/reaper.pyz")],
)
def test_two_builds_are_the_same(target: str, made: str, tmp_path: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPO, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0")[:-1]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPO / name, tmp_path / name)
    if target == "bundle":
        (tmp_path / "build/bundle").mkdir(parents=True)
        (tmp_path / "build/bundle/venv").symlink_to(REPO / "build/bundle/venv")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(["make", target], cwd=tmp_path, env=environment, check=True, capture_output=True)
    again, first = (place / made for place in (tmp_path, REPO))
    if target == "bundle":
        again, first = again / "reaper", first / "reaper"
    compare = ["diff", "--recursive", "--brief", str(first), str(again)]
    assert run(compare) == (0, "", "")
