#!/usr/bin/env python3
"""Build the one-file init: freeze the package `reaper` and link it with a static CPython.

The modules in lean/ stand in for the standard ones of the same names, which the interpreter
imports at its start and the init has no use for.
Run it with the Python whose static library is to be linked (Debian: libpython3.11-dev). The C
compiler is $CC; a cross compiler's library comes from the Debian package of that architecture.
The same commit and the same packages give the same bytes: no path and no time gets in.
"""

import argparse
import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import cpython  # noqa: E402

# What the interpreter needs for its own start, and what the init imports.
INTERPRETER = ("_codecs", "_imp", "_signal", "_warnings", "builtins", "posix", "sys")
OURS = ("errno", "gc", "select", "time", "_prctl", "resource")


def sources() -> dict[str, Path]:
    """Module name -> file, for everything that is frozen in."""
    found = {file.stem: file for file in sorted((HERE / "lean").glob("*.py"))}
    for file in sorted([*REPO.glob("reaper/*.py"), *REPO.glob("reaper/init/*.py")]):
        if file.name in ("__main__.py", "console.py"):
            continue  # main.c stands in their place
        parts = file.relative_to(REPO).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = file
    return found


def link(table_file: Path, target: Path, multiarch: str) -> None:
    """Compile the two C files and link them with libpython and libc into one static file."""
    library = cpython.library(sysconfig.get_config_var("LIBRARY"), multiarch)
    command = [
        *shlex.split(os.environ.get("CC", f"{multiarch}-gcc")),
        "-static", "-s", "-O2", "-Wall", "-Wextra", "-Wno-missing-field-initializers",
        f"-ffile-prefix-map={REPO}=.",
        f"-I{sysconfig.get_path('include')}",
        str(HERE / "main.c"), str(table_file), str(library), "-lm",
        "-Wl,--gc-sections", "-Wl,--build-id=none", f"-Wl,-T,{HERE.parent / 'no-unwind.ld'}",
        "-o", str(target),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # glibc warns of look-ups of users and libraries, which the init never makes.
    noise = ("in statically linked applications requires", ": in function `")
    rest = [line for line in done.stderr.splitlines() if not any(text in line for text in noise)]
    print(*rest, sep="\n", end="\n" if rest else "", file=sys.stderr)
    if done.returncode:
        raise SystemExit(f"build.py: {shlex.join(command)} failed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="the file to make")
    parser.add_argument("--multiarch", default=sysconfig.get_config_var("MULTIARCH"))
    options = parser.parse_args()
    options.target.parent.mkdir(parents=True, exist_ok=True)
    table_file = options.target.with_suffix(".modules.c")
    table_file.write_text(cpython.tables((*INTERPRETER, *OURS), sources()))
    link(table_file, options.target, options.multiarch)


if __name__ == "__main__":
    main()
