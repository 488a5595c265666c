"""reaperctl beside ps, pstree and smem, as ratios of the best of five runs; start-up apart.
Then top beside procps's top, live at a refresh of one second: percent of one CPU.

usage (root): unshare --pid --fork --mount-proc --kill-child python3 tests/bench/ctl.py [COUNT...]
"""

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
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


def live(command: list[str], seconds: float = 6.0) -> float:
    """Percent of one CPU that a live view on a terminal of 50 by 160 uses, start-up apart."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(REPO)
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))

    def read_for(seconds: float) -> float:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([master], [], [], left)[0]:
                os.read(master, 65536)
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    try:
        before = read_for(2.5)
        return 100 * (read_for(seconds) - before) / seconds
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)


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
        mine, other = live([*CTL, "top"]), live(["top", "-d", "1"])
        print(f"{count:>9} {f'top {mine:.1f} %':>18} {f'top {other:.1f} %':>12}", flush=True)


main()
