"""Collects what the programs of a test wrote, for the report if the test fails.

Whoever starts a program for a test registers a function here that tells about it. tests/conftest.py
shows the answers.
"""

import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tell = Callable[[], str]

LENGTH = 4000  # characters of one stream that are shown
COUNT = 10  # programs of one test that are shown

_running: list[Tell] = []
_ended: list[str] = []


@contextmanager
def watched(tell: Tell, at_end: Tell | None = None) -> Iterator[None]:
    """Ask `tell` if a test fails meanwhile. At the end, ask `at_end`, or `tell` without one."""
    watch(tell)
    try:
        yield
    finally:
        unwatch(tell)
        keep(at_end or tell)


def watch(tell: Tell) -> None:
    _running.append(tell)


def unwatch(tell: Tell) -> None:
    _running.remove(tell)


def keep(tell: Tell) -> None:
    """Ask now, and keep the answer until the next test begins."""
    _ended.append(_asked(tell))


def forget_the_ended() -> None:
    _ended.clear()


def told() -> list[str]:
    """What all programs of this test say, and programs that still run for several tests."""
    texts = list(dict.fromkeys([*_ended, *map(_asked, _running)]))
    more = len(texts) - COUNT
    return [f"({more} programs before)", *texts[-COUNT:]] if more > 0 else texts


def text(command: str, outcome: str, **streams: bytes | str | None) -> str:
    """The text about one program: its command line, how it ended, and what it wrote."""
    parts = [f"$ {command}", f"({outcome})"]
    for name, data in streams.items():
        if data:
            shown = data.decode(errors="backslashreplace") if isinstance(data, bytes) else data
            cut = f" (the last {LENGTH} characters)" if len(shown) > LENGTH else ""
            parts += [f"--- {name.replace('_', ' ')}{cut}", shown[-LENGTH:].rstrip("\n")]
    return "\n".join(parts)


def of_error(error: BaseException) -> str:
    """What the command said if subprocess.run raised `error` for it; empty for other errors."""
    if not isinstance(error, subprocess.CalledProcessError | subprocess.TimeoutExpired):
        return ""
    command = error.cmd if isinstance(error.cmd, str) else shlex.join(map(str, error.cmd))
    code = getattr(error, "returncode", None)
    outcome = "it took too long" if code is None else f"exit code {code}"
    return text(command, outcome, standard_output=error.stdout, standard_error=error.stderr)


def _asked(tell: Tell) -> str:
    """The answer of `tell`. If asking fails, that must not hide why the test failed."""
    try:
        return tell()
    except Exception as error:
        return f"(it cannot be asked: {type(error).__name__}: {error})"
