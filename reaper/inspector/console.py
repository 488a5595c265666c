"""The console script that pip makes: start reaperctl again, isolated and without `site`.

So it runs no code that the container's PYTHON* variables or its user's site folder would bring in.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> "NoReturn":
    """Run the same command line in the same process."""
    if sys.executable:
        program = os.path.join(os.path.dirname(__file__), "__main__.py")
        os.execv(sys.executable, [sys.executable, "-I", "-S", program, *sys.argv[1:]])
    from reaper.inspector.cli import console  # noqa: PLC0415  Python does not know its own path

    console()
