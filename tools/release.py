#!/usr/bin/env python3
"""Make the files of a release from what `make folder` built.

Each sub-command makes one file: `zipapp`, `tar`, `licences`, `sbom`, `sums`. They need only the
standard library. The same inputs give the same bytes: entries are sorted, owners are 0, and times
are SOURCE_DATE_EPOCH.
"""

import argparse
import gzip
import hashlib
import json
import marshal
import os
import platform
import re
import shlex
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Any
from urllib.parse import quote

REPO = Path(__file__).resolve().parent.parent
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
PACKAGE = REPO / "reaper"
VERSION = re.findall('__version__ = "(.+)"', (PACKAGE / "__init__.py").read_text())[0]
COMMON = Path("/usr/share/common-licenses")
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
STDLIB = Path(sysconfig.get_path("stdlib"))
MULTIARCH = str(sysconfig.get_config_var("MULTIARCH"))
SHEBANG = b"#!/usr/bin/env -S python3 -I -S\n"


def zipapp(target: Path) -> None:
    """Make one file for any Python from 3.11 on: `python3 -I -S reaper.pyz`.

    Nothing is compressed. Beside each source is its code object. The version of Python that built
    it loads it at once; other versions ignore it and compile the source.
    """
    stamp = (1980, 1, 1, 0, 0, 0)  # the earliest time that zip can hold
    package = [PACKAGE / "__main__.py", *sorted(PACKAGE.rglob("*.py"))]
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w") as archive:
            for number, source in enumerate(package):
                name = "__main__.py" if number == 0 else str(source.relative_to(REPO))
                if name.startswith("reaper/inspector"):
                    continue  # the zipapp is the init alone
                archive.writestr(zipfile.ZipInfo(name, stamp), source.read_bytes())
                archive.writestr(zipfile.ZipInfo(name + "c", stamp), code_object(source, name))
    target.chmod(0o755)


def code_object(source: Path, name: str) -> bytes:
    """A .pyc that stays valid whatever the time stamp of its source: PEP 552, unchecked hash."""
    text = source.read_bytes()
    code = compile(text, name, "exec", dont_inherit=True)
    return (
        util.MAGIC_NUMBER + (1).to_bytes(4, "little") + util.source_hash(text) + marshal.dumps(code)
    )


def tar(folder: Path, target: Path) -> None:
    """Pack `folder` as `opt`, with all that is in it, to be unpacked at /."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = EPOCH
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, EPOCH) as packed,
        tarfile.open(mode="w", fileobj=packed) as archive,
    ):
        archive.add(folder, "opt", filter=plain)  # adds in sorted order


def debian_packages(folder: Path) -> Iterator[tuple[str, str]]:
    """(package, version) of each Debian package that a part of the folder comes from.

    Files were copied from these packages; or the init, the launchers and the interpreter's library
    are linked with them.
    """
    packages = {f"libpython{PYTHON}-dev", "libc6-dev", "musl-dev"}
    compiler = shlex.split(os.environ.get("CC", "cc"))
    sources = [_output(*compiler, "-print-libgcc-file-name").strip()]
    sources += (str(path) for file in sorted(folder.rglob("*")) for path in _origins(file, folder))
    ask = ["dpkg-query", "-S", *sources]
    listed = subprocess.run(ask, capture_output=True, text=True, check=False)
    packages |= {line.split(":")[0] for line in listed.stdout.splitlines()}
    for package in sorted(packages):
        yield package, _output("dpkg-query", "-W", "-f", "${Version}\n", package).split()[0]


def _origins(file: Path, folder: Path) -> Iterator[Path]:
    """Where Debian has the file that was copied to lib/ or compiled for it.

    A library has two paths, because some packages name it below /lib and others below /usr/lib.
    """
    name = file.relative_to(folder / "lib") if file.is_relative_to(folder / "lib") else Path()
    if name.suffix == ".pyc" and name.parts[0] != "reaper":
        yield STDLIB / name.with_suffix(".py")
    elif "lib-dynload" in name.parts:
        yield STDLIB / "lib-dynload" / name.name
    elif ".so" in name.name and not name.name.startswith("libpython"):
        yield from (Path(top, MULTIARCH, name.name) for top in ("/lib", "/usr/lib"))


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def bundled_distributions(folder: Path, venv: Path) -> list[Path]:
    """The .dist-info folders of what is in the bundle but not from Debian: the bootloader."""
    site = next(venv.glob("lib/python3*/site-packages"))
    present = {entry.name.removesuffix(".pyc") for entry in (folder / "lib").iterdir()}
    infos = []
    for info in sorted(site.glob("*.dist-info")):
        record = (info / "RECORD").read_text().splitlines()
        top = {re.split("[/,]", line)[0] for line in record}
        if present & {name for name in top if name.isidentifier()} or "pyinstaller-6" in info.name:
            infos.append(info)
    return infos


def licences(folder: Path, venv: Path, target: Path) -> None:
    """Write our licence and those of everything that is bundled into one text."""
    parts = [("reaper", REPO / "LICENSE")]
    for package, _ in debian_packages(folder):
        parts.append((f"Debian package {package}", Path(f"/usr/share/doc/{package}/copyright")))
    for info in bundled_distributions(folder, venv):
        for file in sorted(info.rglob("*")):
            if re.match(r"(LICEN[CS]E|COPYING)", file.name):
                parts.append((info.name.removesuffix(".dist-info"), file))
    texts = [(title, file.read_text(encoding="utf-8").strip()) for title, file in parts]
    # Debian's texts only refer to these.
    named = {name for _, text in texts for name in re.findall(rf"{COMMON}/([\w.-]*\w)", text)}
    texts += [
        (name, (COMMON / name).read_text(encoding="utf-8").rstrip()) for name in sorted(named)
    ]
    with target.open("w", encoding="utf-8") as out:
        for title, text in texts:
            out.write(f"{'=' * 78}\n{title}\n{'=' * 78}\n\n{text}\n\n")


def sbom(folder: Path, bom: Path) -> None:
    """Complete the CycloneDX BOM of the pinned requirements.

    Only the bootloader is shipped, so the other requirements are marked as excluded. Our version is
    added, and so are the Debian packages that the folder and the static file are made of.
    """
    content: dict[str, Any] = json.loads(bom.read_text())
    root = content["metadata"]["component"]
    root["version"] = VERSION
    for component in content["components"]:
        shipped = component["name"] == "pyinstaller"
        component["scope"] = "required" if shipped else "excluded"
    del content["metadata"]["tools"]  # tools of the BOM, not of the build
    system = platform.freedesktop_os_release()["ID"]
    for package, version in debian_packages(folder):
        reference = f"pkg:deb/{system}/{package}@{quote(version, safe=':~')}"
        content["components"].append(
            {
                "bom-ref": reference,
                "type": "library",
                "name": package,
                "version": version,
                "purl": reference,
                "scope": "required",
            }
        )
        content["dependencies"].append({"ref": reference})
    required = [part["bom-ref"] for part in content["components"] if part["scope"] == "required"]
    for dependency in content["dependencies"]:
        if dependency["ref"] == root["bom-ref"]:
            dependency["dependsOn"] = required
    bom.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def sums(folder: Path) -> None:
    """Write SHA256SUMS, as `sha256sum --check` reads it."""
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.iterdir())
        if file.is_file() and file.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


COMMANDS = {command.__name__: command for command in (zipapp, tar, licences, sbom, sums)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("paths", type=Path, nargs="+")
    options = parser.parse_args()
    COMMANDS[options.command](*options.paths)


if __name__ == "__main__":
    main()
