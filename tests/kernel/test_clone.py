"""A fresh clone, where nothing is built: what runs there, and what is said where it cannot."""

import os
import shutil
import sys
from pathlib import Path

import pytest
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
        "python3 is Python 3.9.2, and it takes 3.11 or later: install one, and name it with"
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
