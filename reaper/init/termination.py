"""The last words: one line in the file that Kubernetes shows as the termination message.

The kubelet makes the file, /dev/termination-log or the container's `terminationMessagePath`, and
takes 4096 bytes of it. What main wrote itself is better than what we know, so it stays as it is.
This module is loaded at the end, if there is such a file.
"""

import posix

from reaper.escape import escaped

LIMIT = 4096  # bytes
NOT_REGULAR = "it is no regular file"
_OPEN = posix.O_WRONLY | posix.O_APPEND | posix.O_NONBLOCK | posix.O_NOCTTY | posix.O_CLOEXEC
_S_IFMT, _S_IFREG = 0o170000, 0o100000  # inode(7)


def write(path: str, text: str) -> str:
    """Write a line if the file is empty; returns what went wrong, or nothing.

    It must be a regular file, which never makes us wait. It is neither created nor truncated:
    open(2).
    """
    try:
        if not _is_regular(posix.stat(path)):  # ask first: just opening a device may act on it
            return NOT_REGULAR
        descriptor = posix.open(path, _OPEN)
    except OSError as error:
        return posix.strerror(error.errno or 0)
    try:
        found = posix.fstat(descriptor)
        if _is_regular(found) and not found.st_size:
            posix.write(descriptor, line(text))
    except OSError as error:
        return posix.strerror(error.errno or 0)
    finally:
        posix.close(descriptor)
    return ""


def line(text: str) -> bytes:
    """One line of printable text, cut between two characters."""
    data = escaped(text).encode()[: LIMIT - 1]
    return data.decode(errors="ignore").encode() + b"\n"


def _is_regular(status: posix.stat_result) -> bool:
    return status.st_mode & _S_IFMT == _S_IFREG
