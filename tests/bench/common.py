"""What the benches share: the other inits, the programs in C, the conditions, and the progress."""

import atexit
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from support import run

PEERS = {"tini": ["tini", "--"], "dumb-init": ["dumb-init"], "catatonit": ["catatonit", "--"]}
UNSHARE = ["unshare", "--pid", "--fork", "--kill-child"]

T = TypeVar("T")


def conditions() -> str:
    """The machine, the kernel, the versions and the date, as one clause."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    versions = run(["dpkg-query", "-W", "-f", "${Package} ${Version}, ", *PEERS, "python3"])[1]
    return (
        f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, Linux"
        f" {platform.release().partition('-')[0]}, {versions}{time.strftime('%Y-%m-%d')}"
    )


def counted(what: str, of: Iterable[T], count: int) -> Iterator[T]:
    """Yield the items of `of`, and show on stderr how many are done."""
    for number, each in enumerate(of, 1):
        print(f"\r{what}: {number} of {count} ", end="", file=sys.stderr, flush=True)
        yield each
    print(file=sys.stderr)


@cache
def compiled(name: str) -> str:
    """A program in C of this folder. It is static: no loader runs before its first instruction."""
    program = Path(tempfile.gettempdir()) / f"reaper-{name}-{os.getpid()}"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(["musl-gcc", "-static", "-O2", str(source), "-o", str(program)], check=True)
    atexit.register(program.unlink)
    return str(program)
