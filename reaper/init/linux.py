"""The two system calls that Python lacks, made through `_ctypes`, the extension under ctypes.

The static form has the same functions in a built-in module, `_linux` (`docker/static/main.c`).
ctypes itself would import what we do not need, in 5 ms, and even `_ctypes` is loaded only when a
call is made. Both functions raise OSError, with ENOSYS if there is no `_ctypes`.
"""

import errno
import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def prctl(option: int, value: int) -> int:
    """prctl(2) with one argument."""
    return _call("prctl", option, value, 0, 0, 0)


def ptrace(request: int, pid: int, data: "int | bytearray") -> int:
    """ptrace(2) without an address; `data` is a number, or the memory that the kernel fills."""
    return _call("ptrace", request, pid, 0, data)


def _call(name: str, *arguments: "int | bytearray") -> int:
    try:
        import _ctypes  # noqa: PLC0415

        address = _ctypes.dlsym(_ctypes.dlopen(None, 0), name)  # type: ignore[arg-type]
    except (ImportError, OSError):
        raise OSError(errno.ENOSYS, posix.strerror(errno.ENOSYS)) from None

    class Function(_ctypes.CFuncPtr):
        _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO

    class Byte(_ctypes._SimpleCData):  # type: ignore[type-arg]
        _type_ = "B"

    def pointer(memory: bytearray) -> object:
        fields = {"_type_": Byte, "_length_": len(memory)}
        array: Any = type("Memory", (_ctypes.Array,), fields)
        return array.from_buffer(memory)

    words = [word if isinstance(word, int) else pointer(word) for word in arguments]
    result: int = Function(address)(*words)
    if result < 0:
        number = _ctypes.get_errno()
        raise OSError(number, posix.strerror(number))
    return result
