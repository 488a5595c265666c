"""The import system of the one-file init. It finds built-in modules and what build.py froze.

It replaces the standard one, whose specs, loaders, finders and locks take longer than the modules
do. The interpreter's C code calls it by the names below. Each module gets the attributes that this
C code looks for, because raising an error for a missing attribute takes longer than setting it.
"""

BuiltinImporter = None  # the loader that __main__ gets
held = {}  # module -> its code, for the modules that each start loads


def _install(sys_module: object, imp_module: object) -> None:
    global sys, _imp
    sys, _imp = sys_module, imp_module
    # As in __main__.py. It comes before the code of all modules is made, because the garbage
    # collector would go through all of it.
    _find_and_load("gc", None).disable()
    held.update(zip(*_imp.get_frozen_object("modules").co_consts, strict=True))


def _install_external_importers() -> None:
    """Nothing to install: there is no path to import from."""


def _find_and_load(name: str, import_: object) -> object:
    """Import a module that is not in sys.modules."""
    parent, _, child = name.rpartition(".")
    if parent and parent not in sys.modules:
        _find_and_load(parent, import_)
    spec = type(sys.implementation)(name=name, _initializing=False)
    if _imp.is_builtin(name):
        module = sys.modules[name] = _imp.create_builtin(spec)
        module.__spec__ = spec
        _imp.exec_builtin(module)
    elif name in held or _imp.is_frozen(name):
        code = held.get(name) or _imp.get_frozen_object(name)
        module = sys.modules[name] = type(sys)(name)
        module.__spec__ = spec
        module.__path__ = ()
        exec(code, module.__dict__)  # noqa: S102
    else:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    if parent:
        setattr(sys.modules[parent], child, module)
    return module


def _handle_fromlist(module: object, names: tuple[str, ...], import_: object) -> object:
    """Import the submodules of a package that `from package import names` asks for."""
    for name in names:
        if name not in module.__dict__ and (full := f"{module.__name__}.{name}") not in sys.modules:
            _find_and_load(full, import_)
    return module
