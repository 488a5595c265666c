"""What each form promises beyond what the other tests ask of it: it starts anywhere, adds nothing.

The other kernel tests run in every form too: `make test` goes through REAPER_TEST_FORM.
"""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import builds
import pytest
from builds import FORMS, PYTHON, REPO
from images import image, in_image, inside
from support import WITHOUT_PROC, pid_inside, run, running, status

from reaper import __version__
from reaper.inspector.commands import COMMANDS

COMPILED = ("static", "bundle")
pytestmark = pytest.mark.all_forms
each_form = pytest.mark.parametrize("form", FORMS)


PLACES = [(name, form) for name in ("scratch", "bullseye") for form in COMPILED]
PLACES += [("trixie", form) for form in FORMS]


@pytest.mark.parametrize(("name", "form"), PLACES)
def test_runs_as_nobody_in_a_read_only_image(name: str, form: str) -> None:
    command, bind = in_image(form)
    main = ["/bin/sh", "-c", 'trap "echo ended; exit 9" TERM; echo ready; read line']
    with running(inside(image(name), [*command, *main], bind)) as started:
        started.wait_line("ready")
        said = status(started.pid)
        assert pid_inside(started.pid) == 1
        assert (said["CapEff"], said["NoNewPrivs"]) == ("0000000000000000", "1")
        started.kill(signal.SIGTERM)
        started.wait_line("ended")
        assert started.finish() == (9, "", "")


@pytest.mark.parametrize("form", COMPILED)
def test_starts_a_program_of_musl_where_there_is_no_glibc(form: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    source = b'#include <unistd.h>\nint main(void) { write(1, "musl\\n", 5); return 9; }\n'
    subprocess.run(["musl-gcc", "-xc", "-", "-o", str(program)], input=source, check=True)
    assert b"ld-musl" in program.read_bytes()
    (loader,) = Path("/lib").glob("ld-musl-*.so.1")
    command, bind = in_image(form)
    bind |= {program: "/usr/local/bin/program", loader.resolve(): str(loader)}
    command += ["/usr/local/bin/program"]
    assert run(inside(image("scratch"), command, bind)) == (9, "musl\n", "")


@each_form
def test_tells_its_version(form: str) -> None:
    assert run([*builds.command(form), "--version"]) == (0, f"reaper {__version__}\n", "")


@pytest.mark.parametrize("name", ["tini", "docker-init"])
@pytest.mark.parametrize("form", ["static", "bundle", "wheel"])
def test_docker_understands_its_version(form: str, name: str, tmp_path: Path) -> None:
    link = tmp_path / name
    link.symlink_to(builds.command(form)[0])
    # What dockerd takes apart: "tini version V - git.COMMIT", no dot in COMMIT.
    code, out, _ = run([str(link), "--version"])
    version, _, commit = out.strip().partition(" - ")
    assert code == 0
    assert version.startswith("tini version ")
    assert commit.split(".") == ["git", f"reaper-{__version__.replace('.', '-')}"]


@pytest.mark.parametrize("place", [[], WITHOUT_PROC], ids=["proc", "no proc"])
@pytest.mark.parametrize("form", COMPILED)
def test_starts_under_any_name(form: str, place: list[str], tmp_path: Path) -> None:
    for name in ("-", "a name", "/no/such/place", "tini", ""):
        call = ["bash", "-c", 'exec -a "$1" "$0" "${@:2}"', builds.command(form)[0], name]
        assert run([*place, *call, "sh", "-c", "exit 4"], cwd=tmp_path) == (4, "", ""), name


@pytest.mark.parametrize("place", [[], WITHOUT_PROC], ids=["proc", "no proc"])
def test_the_bundle_may_stand_anywhere_and_be_linked_to(place: list[str], tmp_path: Path) -> None:
    elsewhere = tmp_path / "an ünusual place"
    shutil.copytree(builds.built("bundle").parent, elsewhere)
    (tmp_path / "bin").mkdir()
    for program in ("reaper", "reaperctl"):
        (tmp_path / "bin" / program).symlink_to(f"../{elsewhere.name}/{program}")
    path = {"PATH": f"{tmp_path / 'bin'}:/bin:/usr/bin"}
    for command in ([str(elsewhere / "reaper")], ["../bin/reaper"], ["reaper"]):
        ended = run([*place, *command, "sh", "-c", "exit 4"], env=path, cwd=elsewhere)
        assert ended == (4, "", ""), command
    assert run([*place, "reaperctl", "--version"], env=path)[0] == 0


ENVIRONMENTS: dict[str, Mapping[bytes, bytes]] = {
    "empty": {},
    "no library path": {b"A": b"1", b"LC_ALL": b"C", b"B": b"\xff"},
    "a library path": {b"LD_LIBRARY_PATH": b"/nowhere:/else", b"A": b"1"},
    "an empty library path": {b"A": b"1", b"LD_LIBRARY_PATH": b"", b"B": b"2"},
    "libraries for main": {b"LD_PRELOAD": b"/nowhere.so", b"A": b"1", b"LD_AUDIT": b""},
    "what PyInstaller would take": {b"LD_LIBRARY_PATH_ORIG": b"mine", b"A": b"1"},
    "the locale that CPython likes": {b"LC_CTYPE": b"C.UTF-8", b"A": b"1"},
}


@pytest.mark.parametrize("case", ENVIRONMENTS)
@each_form
def test_gives_the_environment_on(form: str, case: str) -> None:
    given = ENVIRONMENTS[case]
    command = [*builds.command(form), "/usr/bin/env", "-0"]
    seen = subprocess.run(command, env=given, capture_output=True, check=True).stdout
    assert seen == b"".join(name + b"=" + value + b"\0" for name, value in given.items())


@pytest.mark.parametrize("form", COMPILED)
def test_libraries_for_main_are_not_for_the_init(form: str) -> None:
    """Each program that is asked to load a library that is not there says so."""
    command = [*builds.command(form), "/bin/true"]
    code, _, err = run(command, env={"LD_PRELOAD": "/nowhere.so", "LD_LIBRARY_PATH": "/nowhere"})
    assert (code, err.count("/nowhere.so")) == (0, 1)  # only `true` was asked to load it


FOR_THE_LOADER = {  # ld.so(8) obeys these: it writes output, or lists libraries and starts nothing
    "LD_TRACE_LOADED_OBJECTS": "1", "LD_SHOW_AUXV": "1", "LD_DEBUG": "help", "LD_VERBOSE": "1",
    "GLIBC_TUNABLES": "glibc.malloc.check=3", "LD_BIND_NOW": "1",
}  # fmt: skip


@pytest.mark.parametrize("form", COMPILED)
def test_what_is_meant_for_mains_loader_is_not_for_ours(form: str) -> None:
    expected = "".join(f"{name}={value}\n" for name, value in FOR_THE_LOADER.items())
    command = [*builds.command(form), "/bin/busybox", "env"]
    assert run(command, env=FOR_THE_LOADER) == (0, expected, "")


@pytest.mark.parametrize("program", ["reaper", "reaperctl"])
def test_the_images_list_of_libraries_is_not_for_ours(program: str, tmp_path: Path) -> None:
    preload = tmp_path / "ld.so.preload"
    preload.write_text("/nowhere.so\n")
    bind = {builds.built("bundle").parent: "/opt/reaper", preload: "/etc/ld.so.preload"}
    command = inside(image("scratch"), [f"/opt/reaper/{program}", "--version"], bind)
    assert run(command) == (0, f"{program} {__version__}\n", "")


def test_what_reaperctl_starts_has_the_environment_that_it_was_given(tmp_path: Path) -> None:
    docker, seen = tmp_path / "docker", tmp_path / "seen"
    docker.write_text(
        f"#!/bin/busybox sh\nbusybox tr '\\0' '\\n' </proc/$$/environ >{seen}; exit 1\n"
    )
    docker.chmod(0o755)
    program = str(builds.built("bundle").with_name("reaperctl"))
    given = {"LD_LIBRARY_PATH": "/x", "PATH": f"{tmp_path}:/bin", "_PYI_OWN": "1"}
    assert run([program, "ps", "--container", "web"], env=given)[0] == 2
    assert seen.read_text() == "".join(f"{name}={value}\n" for name, value in given.items())


@each_form
def test_gives_the_signal_mask_on(form: str) -> None:
    blocked = {signal.SIGUSR1, signal.SIGRTMIN, signal.SIGRTMIN + 2}

    def block() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    command = [*builds.command(form), "/bin/grep", "SigBlk", "/proc/self/status"]
    seen = subprocess.run(command, preexec_fn=block, capture_output=True, text=True, check=True)
    assert int(seen.stdout.split()[1], 16) == sum(1 << (number - 1) for number in blocked)


BEFORE_MAIN = {  # the calls that a libc makes by itself
    "execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64",
    "readlink", "readlinkat", "getrandom", "newfstatat", "mprotect",
}  # fmt: skip


@pytest.mark.parametrize("form", COMPILED)
def test_blocks_the_signals_before_the_interpreter_starts(form: str, tmp_path: Path) -> None:
    """Up to main's fork no signal finds the init unprepared: what comes is queued."""
    log = tmp_path / "strace"
    trace = ["strace", "-qq", "-o", str(log), *builds.command(form), "/bin/true"]
    assert run(trace)[0] == 0
    calls = [line.partition("(") for line in log.read_text().splitlines()]
    names = [name for name, _, _ in calls]
    masks = [rest for name, _, rest in calls if name == "rt_sigprocmask"]
    first = names.index("rt_sigprocmask")
    assert set(names[:first]) <= BEFORE_MAIN
    assert masks[0].startswith("SIG_BLOCK, ~[RTMIN RT_1]")
    assert not any(mask.startswith(("SIG_UNBLOCK", "SIG_SETMASK, []")) for mask in masks)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "wheel"])
def test_pays_no_heed_to_variables_for_main(form: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('this is main\\'s')\n")
    given = {"PYTHONHOME": "/nonsense", "PYTHONPATH": str(tmp_path), "PYTHONINSPECT": "1"}
    assert run([*builds.command(form), "/bin/true"], env=given) == (0, "", "")


def test_the_bundle_has_reaperctl() -> None:
    """Every command is in it with all that it imports; two of them look at what runs here."""
    program = str(builds.built("bundle").with_name("reaperctl"))
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


@pytest.mark.parametrize(
    "name", ["a:b", "a;b", "$ORIGIN", b"\xff".decode(errors="surrogateescape")]
)
def test_the_bundle_names_a_folder_that_it_cannot_be_in(name: str, tmp_path: Path) -> None:
    shutil.copytree(builds.built("bundle").parent, tmp_path / name)
    for program, code in (("reaper", 125), ("reaperctl", 2)):
        line = fails_with_one_line([str(tmp_path / name / program), "--version"], code)
        assert "Invalid argument; move the folder" in line
    assert explained("Invalid argument; move the folder")


def test_the_bundle_names_a_path_that_is_too_long(tmp_path: Path) -> None:
    long = f"{tmp_path}/{'/'.join(['x' * 99] * 40)}"[:3900]
    shutil.copytree(builds.built("bundle").parent, long)
    line = fails_with_one_line([f"{long}/reaper", "true"], 125)
    assert "Filename too long; move the folder" in line


# -- bad input: one line, and the manual explains it


def explained(text: str) -> bool:
    """Whether the manual's table has this text among the messages that it explains."""
    page = (REPO / "docs" / "shipping.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    return any(text in row[1] for row in rows)


def fails_with_one_line(command: list[str], code: int) -> str:
    ended, out, err = run(command)
    assert (ended, out, err.count("\n")) == (code, "", 1), err
    return err


@pytest.mark.parametrize("form", COMPILED)
def test_on_a_noexec_mount(form: str) -> None:
    (program,), bind = in_image(form)
    command = inside(image("scratch"), ["/bin/sh", "-c", program], bind, options="ro,noexec")
    assert "Permission denied" in fails_with_one_line(command, 126)
    assert explained("Permission denied")


def of_another_machine(program: Path) -> None:
    """Change e_machine of an ELF file: EM_AARCH64 to EM_X86_64, anything else to EM_AARCH64."""
    content = bytearray(program.read_bytes())
    content[18] = 62 if content[18] == 183 else 183
    program.unlink()
    program.write_bytes(content)
    program.chmod(0o755)


@pytest.mark.parametrize("program", ["reaper", "reaperctl"])
def test_for_another_machine(program: str, tmp_path: Path) -> None:
    shutil.copy(builds.built("folder").with_name(program), tmp_path)
    of_another_machine(tmp_path / program)
    command = ["/bin/bash", "-c", str(tmp_path / program)]
    assert "Exec format error" in fails_with_one_line(command, 126)
    assert explained("Exec format error")


LOST = ["lib", "lib/libpython*", "lib/libc.so.6", "lib/reaper*.bin", "lib/os.pyc", "lib/encodings",
        "lib/python3*", "lib/reaper"]  # fmt: skip


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize(("program", "code"), [("reaper", 125), ("reaperctl", 2)])
def test_with_a_part_of_the_bundle_lost(program: str, code: int, lost: str, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(builds.built("bundle").parent, folder)
    for path in folder.glob(lost):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    command = inside(image("scratch"), [f"/opt/reaper/{program}"], {folder: "/opt/reaper"})
    line = fails_with_one_line(command, code)
    assert line.startswith(f"{program}: /opt/reaper/lib/")
    assert "No such file or directory; copy the folder that it came in whole" in line
    assert explained("No such file or directory; copy the folder that it came in whole")


def test_with_a_part_of_the_bundle_unfit(tmp_path: Path) -> None:
    shutil.copytree(builds.built("bundle").parent, tmp_path / "bundle")
    loader = next((tmp_path / "bundle" / "lib").glob("ld-*"))
    command = [str(tmp_path / "bundle" / "reaper"), "/bin/true"]
    loader.chmod(0o644)
    denied = "Permission denied; make it readable and executable"
    assert denied in fails_with_one_line(command, 125)
    of_another_machine(loader)
    foreign = "Exec format error; it is built for another machine"
    assert foreign in fails_with_one_line(command, 125)
    assert explained(denied) and explained(foreign)


@pytest.mark.parametrize("cut", ["lib/libz.so.1", "lib/reaper.bin", "lib/ld-*"])
def test_with_a_part_of_the_bundle_cut_off(cut: str, tmp_path: Path) -> None:
    shutil.copytree(builds.built("bundle").parent, tmp_path / "bundle")
    [file] = (tmp_path / "bundle").glob(cut)
    for spoil in (of_another_machine, lambda path: path.write_bytes(b"\x7fELF")):
        spoil(file)
        line = fails_with_one_line([str(tmp_path / "bundle" / "reaper"), "/bin/true"], 125)
        assert (
            "Exec format error; it is built for another machine than this one, or not whole" in line
        )


@pytest.mark.parametrize("closed", ["lib/encodings", "lib/reaper/init", "lib/os.pyc"])
def test_with_a_part_of_the_bundle_that_may_not_be_read(closed: str, tmp_path: Path) -> None:
    shutil.copytree(builds.built("bundle").parent, tmp_path / "bundle")
    (tmp_path / "bundle" / closed).chmod(0)
    command = inside(
        image("scratch"), ["/opt/reaper/reaper", "true"], {tmp_path / "bundle": "/opt/reaper"}
    )
    assert "Permission denied; make it readable" in fails_with_one_line(command, 125)


def test_a_script_form_without_python() -> None:
    zipapp = builds.built("zipapp")
    command = inside(image("scratch"), ["/bin/sh", "-c", "/opt/r.pyz"], {zipapp: "/opt/r.pyz"})
    assert "not found" in fails_with_one_line(command, 127)
    assert explained("not found")


def test_the_init_of_the_images_needs_nothing_of_its_folder(tmp_path: Path) -> None:
    shutil.copy(builds.built("folder"), tmp_path)
    assert run([str(tmp_path / "reaper"), "sh", "-c", "exit 4"]) == (4, "", "")


def test_under_an_old_python_it_says_what_it_needs() -> None:
    source = REPO / "reaper" / "__main__.py"
    ast.parse(source.read_text(), feature_version=(3, 6))
    old = f"import runpy, sys; sys.version_info = (3, 9); runpy.run_path({str(source)!r})"
    code, out, err = run([PYTHON, "-I", "-S", "-c", old])
    assert (code, out, err.count("\n")) == (125, "", 2)
    assert "needs Python 3.11 or later, and this is " in err
    assert explained("it needs Python 3.11 or later")


# -- how it is built


@pytest.mark.parametrize(
    ("form", "program"), [("static", "reaper"), ("bundle", "reaper"), ("bundle", "reaperctl")]
)
def test_needs_no_loader(form: str, program: str) -> None:
    file = builds.built(form).with_name(program)
    _, headers, _ = run(["readelf", "-lW", str(file)])
    assert "LOAD" in headers
    assert "INTERP" not in headers
    assert "DYNAMIC" not in headers


def size_limits() -> list[float]:
    """Bytes, by the manual: of the static file, and of what the init loads of the bundle."""
    version = run([PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])[1].strip()
    page = (REPO / "docs" / "shipping.md").read_text()
    (cells,) = re.findall(rf"^\| {version} \| [^|]+ \| ([\d.]+) MB \| ([\d.]+) MB \|$", page, re.M)
    return [float(cell) * 1e6 for cell in cells]


def test_sizes(tmp_path: Path) -> None:
    """The static file, and all that the init loads of the bundle."""
    static, bundle = size_limits()
    assert static - 1e6 < builds.built("static").stat().st_size < static
    program = builds.built("bundle")
    assert program.with_name("reaperctl").stat().st_size < 0.06e6
    log = tmp_path / "strace"
    trace = ["strace", "-f", "-qq", "-e", "trace=execve,openat", "-o", str(log)]
    assert run([*trace, str(program), "/bin/true"])[0] == 0
    named = map(Path, re.findall(r'"([^"]+)"', log.read_text()))
    loaded = {path for path in named if path.is_file() and path.is_relative_to(program.parent)}
    assert program.parent / "lib" / "reaper" / "init" / "loop.pyc" in loaded
    assert bundle - 1e6 < sum(file.stat().st_size for file in loaded) < bundle


def test_the_bundle_is_whole() -> None:
    """The bundle contains everything that its modules import when they are loaded."""
    lib = builds.built("bundle").with_name("lib")
    files = [path.relative_to(lib).with_suffix("") for path in lib.rglob("*.pyc")]
    names = sorted(".".join(path.parts).removesuffix(".__init__") for path in files)
    places = [str(lib), *map(str, lib.glob("python3*/lib-dynload"))]
    code = f"import sys; sys.path[:] = {places}\nimport {', '.join(names)}"
    command = ["/usr/bin/python3", "-I", "-S", "-W", "ignore", "-c", code]
    assert len(names) > 100
    assert run(command) == (0, "", "")


def test_a_build_without_musl_names_its_package(tmp_path: Path) -> None:
    build = [str(REPO / "build" / "bundle" / "venv" / "bin" / "pyinstaller"), "--log-level=ERROR",
             "--distpath", str(tmp_path), "--workpath", str(tmp_path)]  # fmt: skip
    spec = str(REPO / "docker" / "bundle" / "bundle.spec")
    code, _, err = run([*build, spec], env={**os.environ, "LAUNCHER_CC": "no-such-gcc -Os"})
    line = "no no-such-gcc -Os: install Debian's musl-tools, or set LAUNCHER_CC\n"
    assert (code, err) == (1, line)


def test_a_build_without_a_compiler_names_its_package(tmp_path: Path) -> None:
    build = [PYTHON, "-I", str(REPO / "docker" / "static" / "build.py"), str(tmp_path / "reaper")]
    nothing = {"PATH": str(tmp_path)}
    code, out, err = run(build, env=nothing)
    assert (code, out) == (1, "")
    assert re.fullmatch("no .*-linux-gnu.*-gcc: install Debian's gcc\n", err)
    code, out, err = run(build, env={**nothing, "CC": "no-such-gcc -O3"})
    assert (code, out, err) == (1, "", "no no-such-gcc -O3: install Debian's gcc, or set CC\n")


def test_a_python_that_nothing_is_built_of_is_named() -> None:
    other = f"import sys; sys.version_info = (3, 99); sys.path.insert(0, {str(REPO / 'docker')!r})"
    code, out, err = run([PYTHON, "-I", "-c", f"{other}; import cpython"])
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("the static file and the bundle need Python 3.11 to 3.14, but")


def test_a_build_for_another_machine_names_the_package_that_is_missing(tmp_path: Path) -> None:
    build = [PYTHON, "-I", str(REPO / "docker" / "static" / "build.py"), str(tmp_path / "reaper")]
    code, out, err = run([*build, "--multiarch", "riscv64-linux-gnu"])
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert re.search(r"no .*riscv64-linux-gnu.*\.a: install .*libpython.* for riscv64", err)
