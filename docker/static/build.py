#!/usr/bin/env python3
"""Build the one-file init: freeze the package `reaper` and link it with a static CPython.

Three C files CPython generates when it is built: the table of built-in modules, that of frozen
modules, and their code. Ours take their place at the link. The modules in lean/ stand in for the
standard ones of the same names, which the interpreter imports at its start and the init has no
use for. Run it with the Python whose static library is to be linked (Debian: libpython3.11-dev). The C
compiler is $CC; a cross compiler's library comes from the Debian package of that architecture.
The same commit and the same packages give the same bytes: no path and no time gets in.
"""

import argparse
import marshal
import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent

# What the interpreter needs for its own start, and what the init imports.
INTERPRETER = ("_codecs", "_imp", "_io", "_signal", "_warnings", "builtins", "posix", "sys")
OURS = ("errno", "select", "time", "_prctl", "resource")

# Where the start function of a built-in module is not PyInit_<name>.
START = {
    "builtins": "NULL",
    "sys": "NULL",
    "_warnings": "_PyWarnings_Init",
}

# The rest of the names that frozen.c and deepfreeze.c define. The interpreter has modules of its
# own in Bootstrap, Stdlib and Test, and wants the embedder's in FrozenModules.
FROZEN = """
static const struct _frozen none[] = {{NULL}};
static const struct { const char *name, *original; } no_alias[] = {{NULL, NULL}};
const struct _frozen *PyImport_FrozenModules = NULL;
const struct _frozen *_PyImport_FrozenBootstrap = modules;
const struct _frozen *_PyImport_FrozenStdlib = none;
const struct _frozen *_PyImport_FrozenTest = none;
const void *_PyImport_FrozenAliases = no_alias;
int _Py_Deepfreeze_Init(void) { return 0; }
void _Py_Deepfreeze_Fini(void) {}
"""


def sources() -> dict[str, Path]:
    """Module name -> file, for everything that is frozen in."""
    found = {file.stem: file for file in sorted((HERE / "lean").glob("*.py"))}
    for file in sorted([*REPO.glob("reaper/*.py"), *REPO.glob("reaper/init/*.py")]):
        if file.name == "__main__.py":
            continue  # main.c stands in its place
        parts = file.relative_to(REPO).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = file
    return found


def table(modules: dict[str, Path]) -> str:
    """The C source of the two tables: built-in modules, and frozen modules as code objects."""
    builtins = {name: START.get(name, f"PyInit_{name}") for name in (*INTERPRETER, *OURS)}
    lines = ["#include <Python.h>"]
    lines += [f"extern PyObject *{start}(void);" for start in builtins.values() if start != "NULL"]
    lines += ["struct _inittab _PyImport_Inittab[] = {"]
    lines += [f'    {{"{name}", {start}}},' for name, start in builtins.items()]
    lines += ["    {NULL, NULL},", "};"]
    rows = []
    for number, (name, file) in enumerate(modules.items()):
        code = compile(file.read_bytes(), f"<{name}>", "exec", dont_inherit=True, optimize=2)
        data = marshal.dumps(code)
        lines += [f"static const unsigned char code{number}[] = {{", _rows(data), "};"]
        package = int(file.name == "__init__.py")
        rows.append(f'    {{"{name}", code{number}, sizeof code{number}, {package}}},')
    lines += ["static const struct _frozen modules[] = {", *rows, "    {NULL},", "};", FROZEN]
    return "\n".join(lines)


def _rows(data: bytes) -> str:
    return "\n".join(
        "    " + ",".join(map(str, data[at : at + 24])) + "," for at in range(0, len(data), 24)
    )


def link(table_file: Path, target: Path, multiarch: str) -> None:
    """Compile the two C files and link them with libpython and libc into one static file."""
    host = sysconfig.get_config_var("MULTIARCH")
    where = Path(sysconfig.get_config_var("LIBPL").replace(host, multiarch))
    library = where / sysconfig.get_config_var("LIBRARY")
    if not library.exists():
        package = f"libpython{sysconfig.get_python_version()}-dev"
        raise SystemExit(f"build.py: no {library}\ninstall Debian's {package} for {multiarch}")
    command = [
        *shlex.split(os.environ.get("CC", f"{multiarch}-gcc")),
        "-static", "-s", "-O2", "-Wall", "-Wextra", "-Wno-missing-field-initializers",
        f"-ffile-prefix-map={REPO}=.",
        f"-I{sysconfig.get_path('include')}",
        str(HERE / "main.c"), str(table_file), str(library), "-lm",
        "-Wl,--gc-sections", "-Wl,--build-id=none", f"-Wl,-T,{HERE / 'no-unwind.ld'}",
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
    table_file.write_text(table(sources()))
    link(table_file, options.target, options.multiarch)


if __name__ == "__main__":
    main()
