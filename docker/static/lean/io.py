"""The standard streams of the one-file init. Only the traceback of its own failure uses them."""

import posix


class Stream:
    """Writes text to a descriptor."""

    encoding = "utf-8"

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.raw = self

    def isatty(self) -> bool:
        return posix.isatty(self.descriptor)

    def write(self, text: str) -> int:
        return posix.write(self.descriptor, text.encode(errors="backslashreplace"))

    def flush(self) -> None:
        """Nothing to do: `write` keeps nothing back."""


def open(descriptor: int, *how: object) -> Stream:
    return Stream(descriptor)


def TextIOWrapper(stream: Stream, *how: object) -> Stream:  # noqa: N802
    return stream
