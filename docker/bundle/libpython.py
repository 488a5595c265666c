"""The bundle's own libpython: those of Debian's objects that the two commands need.

It exports the names that the bootloader and the extension modules use, and no others.
"""

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

DOCKER = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(DOCKER))
import cpython  # noqa: E402

MULTIARCH = sysconfig.get_config_var("MULTIARCH")
NAME = sysconfig.get_config_var("INSTSONAME")
ARCHIVE = f"libpython{sysconfig.get_python_version()}-pic.a"
LINK = [*cpython.compiler(MULTIARCH), "-shared", "-s", "-Wl,--build-id=none"]

# The built-in modules that the interpreter needs for its own start.
BUILTINS = {"_codecs", "_imp", "_io", "_signal", "_thread", "_warnings", "_weakref", "builtins"}
BUILTINS |= {"marshal", "posix", "sys", "time"}
FROZEN = {
    "_frozen_importlib": "importlib/_bootstrap.py",
    "_frozen_importlib_external": "importlib/_bootstrap_external.py",
    "abc": "abc.py",
    "codecs": "codecs.py",
    "io": "io.py",
    "zipimport": "zipimport.py",
}
APART = ("unicodedata",)  # a megabyte that the init does not need


def extension(name: str, work: Path) -> Path:
    """Make a separate file, in the folder `work`, of a module that Debian builds in."""
    made = work / (name + sysconfig.get_config_var("EXT_SUFFIX"))
    member = work / f"{name}.o"
    archive = cpython.archive(ARCHIVE, MULTIARCH)
    ar = cpython.command("ar", "binutils")
    member.write_bytes(subprocess.check_output([*ar, "p", archive, member.name]))
    subprocess.run([*LINK, member, "-o", made], check=True)
    return made


def link(builtins: Iterable[str], askers: Iterable[Path], work: Path) -> Path:
    """Link the library that these modules and the programs need, in the folder `work`."""
    names = _asked_for(askers)
    stdlib = Path(sysconfig.get_path("stdlib"))
    frozen = {name: cpython.code(stdlib / file, f"<{name}>") for name, file in FROZEN.items()}
    tables, exports, roots = (work / name for name in ("tables.c", "exports.map", "roots.rsp"))
    tables.write_text(cpython.tables(sorted((BUILTINS | set(builtins)) - set(APART)), frozen))
    exports.write_text("{ global: " + "; ".join(names) + "; local: *; };\n")
    roots.write_text("\n".join(f"-Wl,-u,{name}" for name in names))
    subprocess.run(
        [
            *LINK, "-fPIC", "-O2", f"-I{sysconfig.get_path('include')}",
            tables, f"@{roots}", cpython.archive(ARCHIVE, MULTIARCH), "-lm",
            f"-Wl,-soname,{NAME}", f"-Wl,--version-script,{exports}",
            "-Wl,--gc-sections", "-Wl,-z,pack-relative-relocs", f"-Wl,-T,{DOCKER / 'no-unwind.ld'}",
            "-o", work / NAME,
        ],
        check=True,
    )  # fmt: skip
    return work / NAME


def _asked_for(programs: Iterable[Path]) -> list[str]:
    """Each name of CPython's API in these files, whether it is linked or looked up by dlsym(3).

    The start functions (PyInit_ and a name) are left out, because the modules define them.
    """
    names = set()
    for program in programs:
        names |= set(re.findall(rb"\b_?Py(?!Init_)[A-Z_]\w*", program.read_bytes()))
    return sorted(name.decode() for name in names)
