"""The init as the bundle's launcher starts it: every signal is blocked already.

Variables of the launcher hold the mask as it was before, and the name that the init was called by.
"""

import gc
import posix
import sys

gc.disable()  # as reaper/__main__.py does

from reaper.init import loop, start  # noqa: E402, F401

mask = int(posix.environ[b"_PYI_REAPER_MASK"], 16)
sys.argv[0] = posix.environ[b"_PYI_REAPER_NAME"].decode(errors="surrogateescape")
start.run(sys.argv[1:], {number for number in range(1, 65) if mask >> number - 1 & 1})
