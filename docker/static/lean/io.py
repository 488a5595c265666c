"""What the interpreter takes from `io` to open the standard streams, without the abstract classes."""

from _io import TextIOWrapper as TextIOWrapper
from _io import open as open
from _io import open_code as open_code
