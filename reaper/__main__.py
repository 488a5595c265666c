"""`python -m reaper` is the init. Before anything else it blocks every signal that it forwards.

Until then the kernel drops what is sent to a PID 1 without a handler, and kills any other process.
Only built-in modules are imported before that line.
"""

import _signal

# 32 and 33, which libc keeps for itself, are not among the valid ones.
_inherited = set(map(int, _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())))

import sys  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# What goes from the first start to the second: -X options of console(), variables of the bundle.
_MASK, _NAME = "reaper_mask", "reaper_name"
_BUNDLE_MASK, _BUNDLE_NAME = b"_PYI_REAPER_MASK", b"_PYI_REAPER_NAME"


def console() -> "NoReturn":
    """The console script that pip makes: start again, isolated and without `site`.

    The container's PYTHON* variables and its user's site folder belong to main, never to us. The
    environment goes along as we got it; the mask from before and our name as options.
    """
    if not sys.executable:
        run()
    import posix  # noqa: PLC0415

    from reaper.init import environment  # noqa: PLC0415

    environment.apply(environment.fixes(posix.environ))
    mask = sum(1 << number - 1 for number in _inherited)
    options = ["-I", "-S", "-X", f"{_MASK}={mask:x}", "-X", f"{_NAME}={sys.argv[0]}"]
    posix.execv(sys.executable, [sys.executable, *options, __file__, *sys.argv[1:]])


def run() -> "NoReturn":
    """Hand over to the init."""
    from reaper.init import loop  # noqa: PLC0415  after the signals are blocked

    inherited = _inherited
    if first := _first_start():
        mask, sys.argv[0] = int(first[0], 16), first[1]
        inherited = {number for number in range(1, 65) if mask >> number - 1 & 1}
    loop.main(sys.argv[1:], inherited)


def _first_start() -> "tuple[str, str] | None":
    """The signal mask and the name that the first of two starts was given; None: this is it."""
    if _MASK in sys._xoptions:
        return str(sys._xoptions[_MASK]), str(sys._xoptions[_NAME])
    if hasattr(sys, "_MEIPASS"):  # set by the bundle's bootloader
        import posix  # noqa: PLC0415

        name = posix.environ[_BUNDLE_NAME].decode(errors="surrogateescape")
        return posix.environ[_BUNDLE_MASK].decode(), name
    return None


if __name__ == "__main__":
    if not __package__:  # started as a file: `python3 -I -S .../reaper/__main__.py`
        sys.path.insert(0, __file__.rpartition("/")[0].rpartition("/")[0] or "/")
    run()
