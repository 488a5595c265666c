"""A fresh clone, in which nothing is built: what runs there, and what is said if it cannot run."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from images import BUSYBOX, image
from support import PYTHON, REPO, run

SYSTEM = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
NEEDS = REPO / "tools" / "needs.sh"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources and nothing else."""
    root = tmp_path_factory.mktemp("clone")
    listed = run(["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"],
                 cwd=REPO)[1]  # fmt: skip
    for name in filter(None, listed.split("\n")):
        if (REPO / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / name, root / name)
    run(["git", "init", "--quiet"], cwd=root)
    return root


def test_the_demo_needs_pythons_own_library_and_nothing_else(clone: Path) -> None:
    before = {path.name for path in clone.iterdir()}
    demo = ["make", "demo", "DEMO=--zombies 25 --rate 500"]
    code, out, err = run(demo, cwd=clone, env=SYSTEM)
    assert (code, err) == (0, "")
    assert out.endswith("Verdict: as promised.\n")
    assert {path.name for path in clone.iterdir()} == before


@pytest.mark.parametrize("module", ["reaper", "reaper.inspector", "reaper.demo"])
def test_the_programs_run_without_a_virtual_environment(module: str, clone: Path) -> None:
    code, out, err = run([PYTHON, "-m", module, "--help"], cwd=clone, env=SYSTEM)
    assert (code, err) == (0, "")
    assert out.lower().startswith("usage: ")


# -- bad input: what is missing is said in one line


@pytest.fixture
def poor(tmp_path: Path) -> dict[str, str]:
    """An environment with a shell, a Python that has no ensurepip, and no other command."""
    for name in ("sh", "sed"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\n[ "${{2#*ensurepip}}" = "$2" ] && exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return {"PATH": str(tmp_path), "PYTHON": "python3"}


def test_nothing_is_said_where_nothing_is_missing() -> None:
    needs = ["python", "venv", "sh", "unshare"]
    assert run([str(NEEDS), *needs], env={**os.environ, "PYTHON": sys.executable}) == (0, "", "")


def test_what_is_missing_is_named_with_its_package(poor: dict[str, str]) -> None:
    needs = ["python", "venv", "gcc", "musl-gcc", "ar", "mmdebstrap", "git"]
    packages = "python3-venv gcc musl-tools binutils mmdebstrap git"
    line = (
        f"missing: venv gcc musl-gcc ar mmdebstrap git; install Debian's {packages}:"
        f" apt-get install {packages}\n"
    )
    assert run([str(NEEDS), *needs], env=poor) == (1, "", line)


def test_no_python_at_all(tmp_path: Path) -> None:
    line = "missing: python; install Debian's python3: apt-get install python3\n"
    make = ["make", "-C", str(REPO), "--no-print-directory", "-s", "demo"]
    code, out, err = run([*make, f"SYSTEM_PYTHON={tmp_path}/python3"])
    assert (code, out, err.splitlines(keepends=True)[0]) == (2, "", line)


def test_an_old_python(poor: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "python3").write_text(
        "#!/bin/sh\ncase $2 in *version_info*) exit 1 ;; *print*) echo 3.9.2 ;; esac\n"
    )
    code, out, err = run([str(NEEDS), "venv", "python"], env=poor)
    assert (code, out) == (1, "")
    assert err == (
        "python3 is Python 3.9.2, but this needs 3.11 or later: install one, and name it with"
        " SYSTEM_PYTHON=\n"
    )


@pytest.mark.parametrize(
    ("module", "program"), [("reaper.inspector", "reaperctl"), ("reaper.demo", "reaper.demo")]
)
def test_a_program_under_an_old_python(module: str, program: str) -> None:
    old = f"import runpy, sys; sys.version_info = (3, 9); runpy.run_module({module!r})"
    code, out, err = run([PYTHON, "-c", old], cwd=REPO)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"{program}: it needs Python 3.11 or later, and this is ")


# -- another suite of Debian


@pytest.fixture
def suite(clone: Path, tmp_path: Path) -> dict[str, str]:
    """An environment whose mmdebstrap is a quick stand-in: it copies a system, tini and busybox."""
    stub = tmp_path / "mmdebstrap"
    stub.write_text(
        f'#!/bin/sh\necho "$*" >>{clone}/.cache/made\nfor root; do :; done\n'
        f'cp -a {image("trixie")}/. "$root" && cp /usr/bin/tini "$root/usr/bin"\n'
        f'cp {BUSYBOX} "$root/usr/bin"\n'
        'cd "$root" && mkdir -p dev proc sys tmp run etc/apt/apt.conf.d\n'
    )
    stub.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def mounts(folder: Path) -> list[str]:
    """What is mounted in a folder; containers of others may come and go elsewhere."""
    return [
        line
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if str(folder) in line
    ]


def test_a_command_runs_in_another_suite(clone: Path, suite: dict[str, str]) -> None:
    debian = [str(clone / "tests" / "debian.sh"), "trixie"]
    (clone / "new").touch()
    look = "pwd; cat /etc/debian_version /proc/1/comm; ls -d new README.md; mkdir build; exit 7"
    code, out, err = run([*debian, "sh", "-c", look], env=suite)
    work, version, *rest = out.splitlines()
    assert (code, work, rest) == (7, "/usr/src/reaper", ["tini", "README.md", "new"]), err
    assert version.startswith("13")

    (clone / "new").unlink()
    look = 'ls; read first </etc/resolv.conf; set -- /proc/[0-9]*; echo "$first" $#'
    code, out, _ = run([*debian, "sh", "-c", look], env=suite)
    *files, last = out.splitlines()
    assert code == 0
    assert "build" in files and "README.md" in files and "new" not in files
    assert last.startswith(Path("/etc/resolv.conf").read_text().partition("\n")[0])
    assert int(last.split()[-1]) < 8, "a PID namespace of its own"
    assert not mounts(clone)  # tests/machine.py compares all of them
    assert len((clone / ".cache" / "made").read_text().splitlines()) == 1, "it was made once"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "say a suite of Debian and a command"),
        (["trixie"], "say a suite of Debian and a command"),
        (["../etc", "true"], '"../etc" is not the name of a suite, such as bookworm or trixie'),
        (["nosuch", "true"], "mmdebstrap could not make nosuch: is it a suite of Debian?"),
    ],
)
def test_a_suite_that_cannot_be_is_one_line(
    words: list[str], part: str, clone: Path, suite: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "mmdebstrap").write_text("#!/bin/sh\nexit 25\n")
    code, out, err = run([str(clone / "tests" / "debian.sh"), *words], env=suite)
    assert (code, out) == (2, "")
    assert part in err.splitlines()[-1]
    assert not (clone / ".cache" / "debian" / "nosuch.new").exists()


def test_another_suite_needs_root(clone: Path) -> None:
    user = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    debian = [str(REPO / "tests" / "debian.sh"), "trixie", "true"]
    line = "debian.sh: only root may enter another root folder: run it as root\n"
    assert run([*user, *debian]) == (2, "", line)
