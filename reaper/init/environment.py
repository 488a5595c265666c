"""Main's environment, byte for byte as it was given to us.

`posix.execv` hands over libc's own block, odd entries, duplicates and order included, so all that
is needed is to take back what was added on the way: by CPython (`LC_CTYPE`, PEP 538) and by the
bundle's launcher and bootloader. No decision about values: they come back or they go.
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
    """What to set back before main's exec: name -> value, None: remove."""
    changes: Fixes = {}
    if _BUNDLE:
        return _of_bundle(environ)
    if not _STATIC and environ.get(b"LC_CTYPE") in _COERCED:
        original = _original(b"LC_CTYPE", environ)
        if original != environ[b"LC_CTYPE"]:
            changes[b"LC_CTYPE"] = original
    return changes


def _original(name: bytes, environ: dict[bytes, bytes]) -> bytes | None:
    """The value in the block that exec gave us; the kernel keeps it whatever setenv did since."""
    block = proc.read("/proc/self/environ")
    if block is None:
        return _guess(name, environ)
    for entry in block.split(b"\0"):
        key, equals, value = entry.partition(b"=")
        if equals and key == name:
            return value
    return None


def _guess(name: bytes, environ: dict[bytes, bytes]) -> bytes | None:
    """Without /proc: CPython turns UTF-8 mode on just where it finds the C locale and coerces.

    An addition is the last entry. A value elsewhere was replaced in its place, and can only have
    been another name of the C locale.
    """
    if not sys.flags.utf8_mode:
        return environ[name]
    return None if next(reversed(list(environ))) == name else b"C"


def _of_bundle(environ: dict[bytes, bytes]) -> Fixes:
    """All that the launcher and the bootloader added goes."""
    return {n: None for n in environ if n.startswith(_BOOTLOADER) and n != _HIDDEN}


def apply(changes: Fixes) -> None:
    """Change libc's block: setenv(3) keeps the place of an entry that is there."""
    for name, value in changes.items():
        if value is None:
            posix.unsetenv(name)
        else:
            posix.putenv(name, value)
    if _BUNDLE and _HIDDEN in posix.environ:
        _unhide()


def _unhide() -> None:
    """Entries that the launcher hid from our loader: each pointer steps over what is before it."""
    import ctypes  # noqa: PLC0415  takes 5 ms, and such entries are rare

    before = _HIDDEN + b"="
    block = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    index = 0
    while address := block[index]:
        if ctypes.string_at(address).startswith(before):
            block[index] = address + len(before)
        index += 1
