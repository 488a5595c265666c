"""Main's environment, byte for byte as it was given to us.

`posix.execv` hands over libc's own block, odd entries, duplicates and order included. So we only
have to undo what was added on the way: by CPython (`LC_CTYPE`, PEP 538) and by the bundle's
launcher and bootloader. We choose no values: a variable gets its old value back, or is removed.
"""

import posix
import sys

from reaper.init import proc

Fixes = dict[bytes, bytes | None]

_COERCED = (b"C.UTF-8", b"C.utf8", b"UTF-8")  # PEP 538's targets
_BOOTLOADER, _HIDDEN = b"_PYI_", b"_PYI_REAPER_HIDDEN"
# The compiled forms turn the coercion of the locale off; the one-file form adds nothing at all.
_STATIC = "_linux" in sys.builtin_module_names
_BUNDLE = hasattr(sys, "_MEIPASS")  # set by the bootloader itself


def fixes(environ: dict[bytes, bytes]) -> Fixes:
    """What to undo before main's exec: name -> its old value, or None if it must be removed."""
    changes: Fixes = {}
    if _BUNDLE:
        return _of_bundle(environ)
    if not _STATIC and environ.get(b"LC_CTYPE") in _COERCED:
        original = _original(b"LC_CTYPE", environ)
        if original != environ[b"LC_CTYPE"]:
            changes[b"LC_CTYPE"] = original
    return changes


def _original(name: bytes, environ: dict[bytes, bytes]) -> bytes | None:
    """The value that exec gave us; None: it gave none. /proc shows it even after a setenv."""
    block = proc.read("/proc/self/environ")
    if block is None:
        return _guess(name, environ)
    for entry in block.split(b"\0"):
        key, equals, value = entry.partition(b"=")
        if equals and key == name:
            return value
    return None


def _guess(name: bytes, environ: dict[bytes, bytes]) -> bytes | None:
    """The value as far as it can be told without /proc.

    CPython turns UTF-8 mode on exactly if it finds the C locale, and then it also coerces the
    locale. A variable that it added is the last entry. If the variable is elsewhere, CPython
    replaced its value, which can only have been a name of the C locale.
    """
    if not sys.flags.utf8_mode:
        return environ[name]
    return None if next(reversed(list(environ))) == name else b"C"


def _of_bundle(environ: dict[bytes, bytes]) -> Fixes:
    """Remove everything that the launcher and the bootloader added."""
    return {n: None for n in environ if n.startswith(_BOOTLOADER) and n != _HIDDEN}


def apply(changes: Fixes) -> None:
    """Change libc's block: setenv(3) does not move an entry that exists."""
    for name, value in changes.items():
        if value is None:
            posix.unsetenv(name)
        else:
            posix.putenv(name, value)
    if _BUNDLE and _HIDDEN in posix.environ:
        _unhide()


def _unhide() -> None:
    """Undo what hid some entries from our loader: move each entry's pointer past the prefix."""
    import ctypes  # noqa: PLC0415  takes 5 ms, and such entries are rare

    before = _HIDDEN + b"="
    block = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    index = 0
    while address := block[index]:
        if ctypes.string_at(address).startswith(before):
            block[index] = address + len(before)
        index += 1
