"""Generates the C tables of modules, as CPython's own build does, for the modules that we want.

CPython's config.c lists the built-in modules; frozen.c and deepfreeze.c hold the frozen ones, which
are a sixth of the library and of its start. Link Debian's libpython with the output of `tables` and
you get these tables instead, and only those parts of the library that they lead to. The names in
the tables belong to CPython's build, not to its API. If a version of CPython uses other names, the
link fails, so nothing can go wrong later.
"""

import ast
import marshal
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import CodeType
from typing import NamedTuple


class Version(NamedTuple):
    """What a build has to know of one version of CPython."""

    # Modules of the standard library that have no file of their own: another module makes them.
    in_another_module: frozenset[str] = frozenset()
    # The module that the interpreter's start takes the standard streams from.
    streams: str = "io"


VERSIONS = {
    (3, 11): Version(),
    (3, 12): Version(),
    (3, 13): Version(in_another_module=frozenset({"collections.abc"})),
    (3, 14): Version(in_another_module=frozenset({"collections.abc"}), streams="_io"),
}
if sys.version_info[:2] not in VERSIONS:
    first, *_, last = (f"{major}.{minor}" for major, minor in VERSIONS)
    raise SystemExit(
        f"the static file and the bundle need Python {first} to {last}, but this is"
        f" {sys.version.split()[0]}: name another one with SYSTEM_PYTHON="
    )
VERSION = VERSIONS[sys.version_info[:2]]

# The start functions of those built-in modules for which it is not PyInit_<name>.
START = {
    "builtins": "NULL",
    "sys": "NULL",
    "marshal": "PyMarshal_Init",
    "_warnings": "_PyWarnings_Init",
}

# The other names that frozen.c and deepfreeze.c define.
REST = """
static const struct _frozen none[] = {{NULL}};
static const struct { const char *name, *original; } no_alias[] = {{NULL, NULL}};
const struct _frozen *_PyImport_FrozenBootstrap = modules;
const struct _frozen *_PyImport_FrozenStdlib = none;
const struct _frozen *_PyImport_FrozenTest = none;
const struct _frozen *PyImport_FrozenModules = NULL;
const void *_PyImport_FrozenAliases = no_alias;
int _Py_Deepfreeze_Init(void) { return 0; }
void _Py_Deepfreeze_Fini(void) {}
"""


def tables(builtins: Iterable[str], frozen: Mapping[str, CodeType]) -> str:
    """The C source of the tables: built-in modules by name, frozen ones by name and code."""
    starts = {name: START.get(name, f"PyInit_{name}") for name in builtins}
    lines = ["#include <Python.h>"]
    lines += [f"extern PyObject *{start}(void);" for start in starts.values() if start != "NULL"]
    lines += ["struct _inittab _PyImport_Inittab[] = {"]
    lines += [f'    {{"{name}", {start}}},' for name, start in starts.items()]
    lines += ["    {NULL, NULL},", "};"]
    rows = []
    for number, (name, code) in enumerate(frozen.items()):
        lines += [
            f"static const unsigned char code{number}[] = {{",
            _rows(marshal.dumps(code)),
            "};",
        ]
        rows.append(f'    {{"{name}", code{number}, sizeof code{number}, 0}},')
    lines += ["static const struct _frozen modules[] = {", *rows, "    {NULL},", "};", REST]
    return "\n".join(lines)


def _rows(data: bytes) -> str:
    return "\n".join(
        "    " + ",".join(map(str, data[at : at + 24])) + "," for at in range(0, len(data), 24)
    )


def code(file: Path, name: str) -> CodeType:
    """Compile a module without docstrings, assertions and types. Its code calls its file `name`."""
    tree = _Plain().visit(ast.parse(file.read_bytes()))
    return compile(tree, name, "exec", dont_inherit=True, optimize=2)


class _Plain(ast.NodeTransformer):
    """Removes annotations, and the imports that only they need."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        plain = ast.Assign([node.target], node.value) if node.value else ast.Pass()
        return self.generic_visit(ast.copy_location(plain, node))

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        typing = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if typing else self.generic_visit(node)


def archive(name: str, multiarch: str) -> Path:
    """An archive of CPython's objects for an architecture. SystemExit if it is missing."""
    host = sysconfig.get_config_var("MULTIARCH")
    file = Path(sysconfig.get_config_var("LIBPL").replace(host, multiarch), name)
    if not file.exists():
        package = f"libpython{sysconfig.get_python_version()}-dev"
        raise SystemExit(f"no {file}: install Debian's {package} for {multiarch}")
    return file


def command(words: str, package: str, variable: str = "") -> list[str]:
    """The words of a command that a build starts. SystemExit if its program is missing."""
    found = shlex.split(words)
    if not found or not shutil.which(found[0]):
        other = f", or set {variable}" if variable else ""
        raise SystemExit(f"no {words}: install Debian's {package}{other}")
    return found


def compiler(multiarch: str) -> list[str]:
    """The C compiler for an architecture, as Debian names it."""
    own = multiarch == sysconfig.get_config_var("MULTIARCH")
    return command(f"{multiarch}-gcc", "gcc" if own else f"gcc-{multiarch.replace('_', '-')}")
