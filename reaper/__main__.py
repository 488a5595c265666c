"""`python -m reaper` is the init. Before anything else it blocks every signal that it forwards.

Until then the kernel drops a signal to a PID 1 that has no handler, and any other process dies of
it. Only built-in modules are imported before that line. This file is compiled at every start, and
an old Python must be able to read it.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.stderr.write(
        f"reaper: it needs Python 3.11 or later, and this is {sys.version.split()[0]}\n"
    )
    sys.stderr.write("reaper: take the static file: it needs no Python\n")
    sys.exit(125)

import _signal

# Signals 32 and 33 are not among the valid ones: libc keeps them for itself.
inherited = set(map(int, _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())))

import gc  # noqa: E402

gc.disable()  # a start leaves no garbage, and looking for it takes time; the loop turns it on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

MASK, NAME = "reaper_mask", "reaper_name"  # -X options, from console.py


def run() -> "NoReturn":
    """Hand over to the init."""
    # Import these only now that the signals are blocked, but both of them: once main runs, no file
    # of ours is read any more.
    from reaper.init import loop, start  # noqa: F401, PLC0415

    before = inherited
    mask = sys._xoptions.get(MASK)
    if isinstance(mask, str):
        before = set(map(int, filter(None, mask.split(","))))
        sys.argv[0] = str(sys._xoptions[NAME])
    start.run(sys.argv[1:], before)


if __name__ == "__main__":
    if not __package__:  # started as a file: `python3 -I -S .../reaper/__main__.py`
        sys.path.insert(0, __file__.rpartition("/")[0].rpartition("/")[0] or "/")
    run()
