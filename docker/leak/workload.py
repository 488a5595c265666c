"""A service that starts ten jobs a second and prints how they went: `workload.py orphans|own`.

orphans: each job leaves a process in the background. When that ends, PID 1 has to wait for it.
own:     each job is a child that the service never waits for. No init can wait in its place.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

JOB_SECONDS = 0.1
REPORT_EVERY = 10


def leave_orphan() -> None:
    subprocess.run(["sh", "-c", "true &"], check=True, stderr=subprocess.DEVNULL)


def never_wait() -> None:
    if os.fork() == 0:
        os._exit(0)


JOBS = {"orphans": leave_orphan, "own": never_wait}


def zombies() -> int:
    """How many zombies this PID namespace has."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found += (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def main(job: str) -> None:
    done = failed = 0
    while True:
        try:
            JOBS[job]()
            done += 1
        except (OSError, subprocess.CalledProcessError):
            failed += 1
        if (done + failed) % REPORT_EVERY == 0:
            print(f"jobs done {done}, jobs failed {failed}, zombies {zombies()}")
        time.sleep(JOB_SECONDS)


main(sys.argv[1])
