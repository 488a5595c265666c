"""What the interpreter takes from `io` to open the standard streams, and no abstract class."""

from _io import TextIOWrapper, open, open_code  # noqa: F401
