"""reaperctl beside ps, pstree and smem, as ratios of the best of five runs; start-up apart.

usage (root): unshare --pid --fork --mount-proc --kill-child python3 tests/bench/ctl.py [COUNT...]
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

CTL = [sys.executable, "-m", "reaper.inspector"]
REPO = Path(__file__).resolve().parent.parent.parent
PAIRS = [
    ([*CTL, "ps"], ["ps", "aux"]),
    ([*CTL, "tree"], ["pstree", "-p"]),
    ([*CTL, "mem"], ["smem"]),
]


def best(command: list[str]) -> float:
    """Seconds of the best of five runs."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       cwd=REPO, check=True)  # fmt: skip
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    pairs = [pair for pair in PAIRS if shutil.which(pair[1][0])]
    idle = [(best(ours), best(theirs)) for ours, theirs in pairs]
    print(f"{'processes':>9} {'ours':>18} {'theirs':>12} {'ratio':>6} {'without start-up':>17}")
    born = 0
    for count in map(int, sys.argv[1:] or ("1000", "10000")):
        for _ in range(count - born):
            if os.fork() == 0:
                while True:
                    signal.pause()
        born = count
        for (ours, theirs), (our_start, their_start) in zip(pairs, idle, strict=True):
            mine, other = best(ours), best(theirs)
            apart = (mine - our_start) / max(other - their_start, 1e-9)
            print(
                f"{count:>9} {ours[-1] + f' {mine:.3f} s':>18} {theirs[0] + f' {other:.3f} s':>12}"
                f" {mine / other:>6.2f} {apart:>17.2f}",
                flush=True,
            )


main()
