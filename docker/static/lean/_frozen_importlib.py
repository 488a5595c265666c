"""The import system of the one-file init: what is built in, what is frozen in, and nothing else.

In the place of the standard one, whose specs, loaders, finders and locks take longer than the
modules do. The names are those by which the interpreter's C code calls it.
"""

BuiltinImporter = None  # what __main__ has for its loader


class Spec:
    """What a built-in module wants to know of its import."""

    def __init__(self, name: str) -> None:
        self.name = name


def _install(sys_module: object, imp_module: object) -> None:
    global sys, _imp
    sys, _imp = sys_module, imp_module


def _install_external_importers() -> None:
    """There is no path to import from."""


def _find_and_load(name: str, import_: object) -> object:
    """Import a module that is not in sys.modules."""
    parent, _, child = name.rpartition(".")
    if parent and parent not in sys.modules:
        _find_and_load(parent, import_)
    if _imp.is_builtin(name):
        module = sys.modules[name] = _imp.create_builtin(Spec(name))
        _imp.exec_builtin(module)
    elif _imp.is_frozen(name):
        module = _imp.init_frozen(name)
    else:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    if parent:
        setattr(sys.modules[parent], child, module)
    return module


def _handle_fromlist(module: object, names: tuple[str, ...], import_: object) -> object:
    """Import those submodules of a package that `from package import names` asks for."""
    for name in names:
        full = f"{module.__name__}.{name}"
        if not hasattr(module, name) and full not in sys.modules:
            _find_and_load(full, import_)
    return module
