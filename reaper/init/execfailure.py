"""Words why main's program could not be executed. This module is loaded only when it could not."""

import errno
import posix

from reaper.init.launch import ELF, SHELL, encode, first_bytes


def _head(file: bytes, path: bytes) -> bytes:
    """The beginning of the file; a name without a slash is looked up on PATH."""
    folders = [b""]
    if b"/" not in file:
        folders = [folder + b"/" if folder else b"" for folder in path.split(b":")]
    heads = (first_bytes(folder + file, 256) for folder in folders)
    return next(filter(None, heads), b"")


def explain(program: str, number: int, path: bytes) -> str:
    """Why the exec failed, and what to do, in one line."""
    if number == errno.ENOENT:
        file = encode(program)
        head = _head(file, path)
        if head.startswith(b"#!"):
            line, _, _ = head[2:].partition(b"\n")
            text = line.decode(errors="backslashreplace").strip(" \t")
            cure = "; remove the carriage return at the end of its lines" if "\r" in text else ""
            return f"its interpreter is not there: {text.rstrip()}{cure}"
        if head.startswith(ELF):
            return "its loader is not there: it is built for another libc"
        if head:
            return f"its interpreter is not there: {SHELL}"
        where = f" (searched PATH={path.decode(errors='backslashreplace')})"
        return "not found" if b"/" in file else f"not found{where}"
    text = f"{posix.strerror(number)} ({errno.errorcode.get(number, number)})"
    cures = {
        errno.EACCES: "; is it executable (chmod +x), and its file system not mounted noexec?",
        errno.ENOEXEC: "; it is built for another machine than this one",
    }
    return text + cures.get(number, "")
