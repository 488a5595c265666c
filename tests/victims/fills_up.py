"""Forks until the pids limit refuses a fork, lets all children end, and forks once more."""

import os

closes, held = os.pipe()
children: list[int] = []
try:
    while (pid := os.fork()) > 0:
        children.append(pid)
    os.close(held)
    os.read(closes, 1)
    os._exit(0)
except BlockingIOError:
    print(f"refused after {len(children)}", flush=True)
os.close(held)
for pid in children:
    os.waitpid(pid, 0)
os._exit(os.waitstatus_to_exitcode(os.system("echo room again")))
