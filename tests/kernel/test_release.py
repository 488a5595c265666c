"""`make release` gives what the manual says, and gives it twice.

It is built anew in a copy of the sources, beside what `make forms` built here.
"""

import json
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import builds
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from support import REPO, run

from reaper import __version__

# The first test that runs makes a release, which takes minutes.
pytestmark = [pytest.mark.all_forms, pytest.mark.timeout(900)]
ARCH = run(["dpkg", "--print-architecture"])[1].strip()
NAME = f"reaper-{__version__}-linux-{ARCH}"
WHEEL = f"reaper_init-{__version__}-py3-none-any.whl"
PINNED = REPO / "docker" / "bundle" / "requirements.txt"
ARTEFACTS = {
    NAME,
    f"{NAME}.tar.gz",
    WHEEL,
    f"reaper_init-{__version__}.tar.gz",
    f"reaper-{__version__}.pyz",
    f"reaper-{__version__}.cdx.json",
    "LICENCES.txt",
    "SHA256SUMS",
}


def make(where: Path, *words: str) -> str:
    """Run make there, with the tools of this tree and the time of its last build."""
    epoch = (REPO / "build" / "epoch").read_text().strip()
    return subprocess.run(
        ["make", f"VENV={REPO / '.venv'}", *words],
        cwd=where,
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources in which a release was made, beside the remains of an older one."""
    root = tmp_path_factory.mktemp("release")
    listed = run(["git", "-C", str(REPO), "ls-files", "-co", "--exclude-standard"])[1].split("\n")
    for name in filter(None, listed):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPO / name, root / name)
    (root / "build" / "bundle").mkdir(parents=True)
    (root / "build" / "bundle" / "venv").symlink_to(REPO / "build" / "bundle" / "venv")
    (root / "dist").mkdir()
    (root / "dist" / "reaper-0.0.1.pyz").touch()
    for name in builds.TARGETS:
        builds.built(name)
    make(REPO, "forms")  # makes nothing, unless only the tests changed, which are in the sdist
    make(root, "release")
    return root


@pytest.fixture(scope="module")
def dist(copy: Path) -> Path:
    return copy / "dist"


def test_dist_holds_this_version_and_nothing_else(dist: Path) -> None:
    assert {file.name for file in dist.iterdir()} == ARTEFACTS
    page = (REPO / "docs" / "shipping.md").read_text()
    shown = [name.replace(__version__, "VERSION").replace(ARCH, "amd64") for name in ARTEFACTS]
    assert all(f"| `{name}` |" in page for name in shown), "the manual lists them"


def test_the_checksums_hold_for_every_file(dist: Path) -> None:
    code, out, err = run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=dist)
    assert (code, err) == (0, "")
    assert {line.removesuffix(": OK") for line in out.splitlines()} == ARTEFACTS - {"SHA256SUMS"}


@pytest.mark.parametrize("made", ["static/reaper", "opt", "zipapp", "wheel"])
def test_two_builds_are_the_same(copy: Path, made: str) -> None:
    here, there = REPO / "build" / made, copy / "build" / made
    assert run(["diff", "--recursive", "--brief", str(here), str(there)]) == (0, "", "")


def test_a_second_release_builds_nothing_again_and_is_the_same(copy: Path, dist: Path) -> None:
    first = dist.rename(copy / "first")
    done = make(copy, "release")
    assert "release.py tar" in done
    assert not re.search("pyinstaller --|build.py|-m build", done)
    assert run(["diff", "--recursive", "--brief", str(first), str(dist)]) == (0, "", "")


def test_the_folder_is_that_of_the_images(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / f"{NAME}.tar.gz") as archive:
        members = archive.getmembers()
        archive.extractall(tmp_path)
    assert {member.name.split("/")[0] for member in members} == {"opt"}
    assert {(member.uid, member.gid) for member in members} == {(0, 0)}
    assert {member.mode for member in members} == {0o755, 0o644}
    folder = tmp_path / "opt" / "reaper"
    assert (folder / "reaper").read_bytes() == (dist / NAME).read_bytes()
    for program in ("reaper", "reaperctl"):
        version = f"{program} {__version__}\n"
        assert run([str(folder / program), "--version"]) == (0, version, "")
    assert os.access(dist / NAME, os.X_OK)


@pytest.fixture(scope="module")
def bundled(dist: Path) -> dict[str, str]:
    """What the SBOM says is in the files: name -> version."""
    content = json.loads((dist / f"reaper-{__version__}.cdx.json").read_text())
    required = [part for part in content["components"] if part["scope"] == "required"]
    return {part["name"]: part["version"] for part in required}


def test_the_sbom_is_valid_and_names_what_is_bundled(dist: Path, bundled: dict[str, str]) -> None:
    text = (dist / f"reaper-{__version__}.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    root = json.loads(text)["metadata"]["component"]
    assert (root["name"], root["version"]) == ("reaper-init", __version__)
    pinned = re.search(r"^pyinstaller==(\S+)", PINNED.read_text(), re.M)
    assert pinned and bundled.pop("pyinstaller") == pinned[1]
    assert "tools" not in json.loads(text)["metadata"], "their versions would change the bytes"
    kinds = {re.sub(r"\d+(\.\d+)?", "N", name) for name in bundled}
    assert {"libcN", "libcN-dev", "libgcc-N-dev", "libpythonN-dev", "musl-dev"} < kinds
    for name, version in bundled.items():
        assert run(["dpkg-query", "-W", "-f", "${Version}", name])[1] == version


def test_every_file_is_of_a_package_of_the_sbom(copy: Path, bundled: dict[str, str]) -> None:
    listed = run(["dpkg-query", "-L", *bundled.keys() - {"pyinstaller"}])[1].split("\n")
    known = {Path(path).name for path in listed}
    lib = copy / "build" / "opt" / "reaper" / "lib"
    native = {file.name for file in lib.glob("*.so*") if not file.name.startswith("libpython")}
    modules = {file.relative_to(lib) for file in lib.rglob("*.pyc")}
    others = {f"{file.stem}.py" for file in modules if file.parts[0] != "reaper"}
    assert len(native) > 4 and len(others) > 50
    assert native | others <= known


def test_a_library_of_the_same_name_elsewhere_is_no_part_of_it(bundled: dict[str, str]) -> None:
    """libc6-i386 and libc6-x32 have a libc.so.6, too; they may be installed."""
    assert not [name for name in bundled if name.startswith("libc6-") and name != "libc6-dev"]


def test_the_sdist_holds_no_file_that_lies_about(copy: Path, tmp_path: Path) -> None:
    (copy / "notes.txt").touch()
    build = [str(REPO / ".venv" / "bin" / "python"), "-m", "build", "--sdist", "--no-isolation"]
    code, _, err = run([*build, "--outdir", str(tmp_path)], cwd=copy)
    (copy / "notes.txt").unlink()
    assert code == 0, err
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "Makefile", "reaper/__main__.py", ".ci/run"} <= names
    assert {name.partition("/")[0] for name in names} <= {
        "reaper", "docker", "docs", "tests", "tools", "typings", ".ci", ".dockerignore",
        "Makefile", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "LICENSE",
        "pyproject.toml", "PKG-INFO", ".gitignore",
    }  # fmt: skip


def test_the_licences_are_those_of_what_is_bundled(dist: Path, bundled: dict[str, str]) -> None:
    text = (dist / "LICENCES.txt").read_text()
    rule = "=" * 78
    titles = re.findall(f"^{rule}\n(.+)\n{rule}$", text, re.M)
    assert titles[0] == "reaper"
    for name, version in bundled.items():
        assert {f"Debian package {name}", f"{name}-{version}"} & set(titles)
    for said in ("PYTHON SOFTWARE FOUNDATION LICENSE", "GNU LESSER GENERAL PUBLIC LICENSE",
                 "Rich Felker", "Bootloader Exception"):  # fmt: skip
        assert said in text


# -- the wheel


def test_the_wheel_is_for_any_python_and_needs_nothing(dist: Path) -> None:
    with zipfile.ZipFile(dist / WHEEL) as archive:
        info = f"reaper_init-{__version__}.dist-info"
        headers = HeaderParser().parsestr(archive.read(f"{info}/METADATA").decode())
        tags = HeaderParser().parsestr(archive.read(f"{info}/WHEEL").decode())
        scripts = archive.read(f"{info}/entry_points.txt").decode()
    assert (headers["Version"], headers["Requires-Python"]) == (__version__, ">=3.11")
    needed = headers.get_all("Requires-Dist") or []
    assert all("extra ==" in line for line in needed)
    assert (tags["Root-Is-Purelib"], tags["Tag"]) == ("true", "py3-none-any")
    assert "reaper = reaper.console:main" in scripts
    assert "reaperctl = reaper.inspector.console:main" in scripts


def test_the_wheels_reaperctl_runs_nothing_of_the_container(tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text("raise SystemExit('not yours')\n")
    program = str(Path(builds.command("wheel")[0]).with_name("reaperctl"))
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "PYTHONINSPECT": "1"}
    assert run([program, "states", "--no-headers"], env=environ)[0] == 0


def test_the_wheel_has_commands_manual_and_completion() -> None:
    prefix = Path(builds.command("wheel")[0]).parent.parent
    for program in ("reaper", "reaperctl"):
        version = f"{program} {__version__}\n"
        assert run([str(prefix / "bin" / program), "--version"]) == (0, version, "")
        assert (prefix / "share" / "man" / "man1" / f"{program}.1").exists()
    code, out, err = run([str(prefix / "bin" / "reaperctl"), "completion", "bash"])
    assert (code, err) == (0, "")
    assert "_shtab_reaperctl reaperctl" in out
    assert (prefix / "share/bash-completion/completions/reaperctl").read_text() == out
    assert (prefix / "share/zsh/site-functions/_reaperctl").exists()


def test_another_architecture_is_built_anew(copy: Path) -> None:
    """A build for this machine must not be taken for one of the other architecture's. This test is
    the last one, because it changes the copy."""
    code, _, err = run(["make", "static", "MULTIARCH=riscv64-linux-gnu"], cwd=copy)
    assert code == 2 and "for riscv64" in err
