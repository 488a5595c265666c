"""The console script that pip makes: start the init again, isolated and without `site`.

The container's PYTHON* variables and its user's site folder are meant for main, never for us. pip's
script has started Python with them; the second start is without them.
"""

import posix
import sys

from reaper import __main__ as first  # blocks the signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> "NoReturn":
    """Exec Python, in the environment as we got it, with the old mask and our name as options."""
    if not sys.executable:
        first.run()
    from reaper.init import environment  # noqa: PLC0415  after the signals are blocked

    environment.apply(environment.fixes(posix.environ))
    mask = ",".join(map(str, first.inherited))
    options = ["-I", "-S", "-X", f"{first.MASK}={mask}", "-X", f"{first.NAME}={sys.argv[0]}"]
    posix.execv(sys.executable, [sys.executable, *options, first.__file__, *sys.argv[1:]])
