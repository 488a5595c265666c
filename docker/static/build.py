#!/usr/bin/env python3
"""Build the one-file init: freeze the package `reaper` and link it with a static CPython.

The modules in lean/ replace standard ones of the same names. The interpreter imports these at its
start, but the init does not need them.
Run this with the Python whose static library is to be linked (Debian: libpython3.11-dev). $CC names
another C compiler. To build for another architecture, install that architecture's library package.
The same commit and the same packages give the same bytes: no path and no time is in the file.
"""

import argparse
import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import cpython  # noqa: E402

# The built-in modules: those that the interpreter needs for its own start, and those that the init
# imports.
INTERPRETER = ("_codecs", "_imp", "_signal", "_warnings", "builtins", "posix", "sys")
OURS = ("errno", "gc", "select", "time", "_linux", "resource")

# Those of our modules that a plain start does not load.
RARE = (
    "reaper.events", "reaper.init.cause", "reaper.init.jsonlines", "reaper.init.peers",
    "reaper.init.termination", "reaper.init.usage",
)  # fmt: skip


def frozen() -> dict[str, CodeType]:
    """The frozen modules: the import system, a holder of what each start loads, and the others.

    The holder is one code object, so that marshal writes a string only once that several modules
    have, and each start reads it only once. The constants of the holder are the names and the code
    objects of these modules. The import system takes them from there.
    """
    lean = {file.stem: cpython.code(file, file.name) for file in sorted(HERE.glob("lean/*.py"))}
    importer = lean.pop("_frozen_importlib")
    lean[cpython.VERSION.streams] = lean.pop("io")
    modules = lean | dict(_ours())
    rare = {name: modules.pop(name) for name in RARE}
    holder = compile("", "modules", "exec", dont_inherit=True, optimize=2)
    holder = holder.replace(co_consts=(tuple(modules), tuple(modules.values())))
    return {"_frozen_importlib": importer, "modules": holder, **rare}


def _ours() -> Iterator[tuple[str, CodeType]]:
    for file in sorted([*REPO.glob("reaper/*.py"), *REPO.glob("reaper/init/*.py")]):
        if file.name in ("__main__.py", "console.py", "linux.py"):
            continue  # main.c stands in their place
        path = file.relative_to(REPO)
        name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        yield name, cpython.code(file, str(path))


def link(table_file: Path, target: Path, multiarch: str) -> None:
    """Compile the two C files and link them with libpython and libc into one static file."""
    archive = cpython.archive(sysconfig.get_config_var("LIBRARY"), multiarch)
    chosen = os.environ.get("CC")
    compiler = cpython.command(chosen, "gcc", "CC") if chosen else cpython.compiler(multiarch)
    command = [
        *compiler,
        "-static", "-s", "-O2", "-Wall", "-Wextra", "-Wno-missing-field-initializers",
        f"-ffile-prefix-map={REPO}=.",
        f"-I{sysconfig.get_path('include')}",
        str(HERE / "main.c"), str(table_file), str(archive), "-lm",
        "-Wl,--gc-sections", "-Wl,--build-id=none", f"-Wl,-T,{HERE.parent / 'no-unwind.ld'}",
        "-o", str(target),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # glibc warns about looking up users and libraries, which the init never does.
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
    table_file.write_text(cpython.tables((*INTERPRETER, *OURS), frozen()))
    link(table_file, options.target, options.multiarch)


if __name__ == "__main__":
    main()
