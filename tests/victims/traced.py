"""Makes its parent its tracer, as a check against debuggers does, and then does as it is told.

traced.py [orphan] ACTION [ARGUMENT...]; an orphan does it below the init, while main waits for its
end and leaves with 7. TERM ends it with code 6, where no signal ends it.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

PTRACE_TRACEME = 0
CLONE_PTRACE = 0x2000
SYS_CLONE = 220 if os.uname().machine == "aarch64" else 56


def traceme() -> None:
    if ctypes.CDLL(None).ptrace(PTRACE_TRACEME, 0, 0, 0):
        os._exit(9)


def become_orphan() -> None:
    """Back in the grandchild, when the init is its parent; main does not come back."""
    receive, send = os.pipe()
    main = os.getpid()
    if os.fork():
        os.close(send)
        os.wait()
        os.read(receive, 1)  # end of file: the orphan has ended
        os._exit(7)
    middle = os.getpid()
    if os.fork():
        os._exit(0)
    os.close(receive)
    os.set_inheritable(send, True)  # also for what it execs
    while os.getppid() in (main, middle):
        time.sleep(0.01)


def tell(number: int, _: object) -> None:
    os.write(1, b"%d\n" % number)
    if number == signal.SIGTERM:
        os._exit(6)


def waits() -> None:
    """For signals, which it prints."""
    for number in (signal.SIGUSR1, signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, tell)
    traceme()
    print("ready", os.getpid(), flush=True)
    while True:
        signal.pause()


def idles() -> None:
    """Without a handler."""
    traceme()
    print("ready", flush=True)
    while True:
        signal.pause()


def in_a_thread() -> None:
    """Like `waits`, and a thread is traced, which takes all signals but SIGTSTP."""
    for number in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, tell)

    def traced() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGTSTP})
        traceme()
        print("ready", os.getpid(), flush=True)
        while True:
            signal.pause()

    signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals() - {signal.SIGTSTP})
    threading.Thread(target=traced, daemon=True).start()
    while True:
        time.sleep(0.01)  # where Python's handlers run


def ends_a_thread() -> None:
    """That is traced, and so is waited for by the init like a process."""
    thread = threading.Thread(target=traceme)
    thread.start()
    task = f"/proc/self/task/{thread.native_id}"
    while os.path.exists(task):  # noqa: PTH110  until it was waited for
        time.sleep(0.01)
    print("goes on", flush=True)


def execs(*command: str) -> None:
    traceme()
    os.execvp(command[0], command)


def forks() -> None:
    """A child that ends: SIGCHLD."""
    signal.signal(signal.SIGCHLD, tell)
    traceme()
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    print("goes on", flush=True)


def raises(number: str) -> None:
    """By tgkill(2), of which the kernel says that no other process can have sent it."""
    traceme()
    signal.raise_signal(int(number))
    print("goes on", flush=True)


def kills_itself(number: str) -> None:
    """By kill(2), as the kernel itself sends the SIGTRAP after an exec."""
    traceme()
    os.kill(os.getpid(), int(number))
    print("goes on", flush=True)


def clones() -> None:
    """A child that is traced from its birth."""
    traceme()
    pid = ctypes.CDLL(None).syscall(SYS_CLONE, CLONE_PTRACE | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        print("born", flush=True)
        os._exit(5)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def again(times: str) -> None:
    """Whenever it was let go."""
    signal.signal(signal.SIGUSR1, lambda *_: None)
    for _ in range(int(times)):
        traceme()
        signal.raise_signal(signal.SIGUSR1)
    print("goes on", flush=True)


ACTIONS: dict[str, Callable[..., None]] = {
    action.__name__: action
    for action in (
        waits,
        idles,
        in_a_thread,
        ends_a_thread,
        execs,
        forks,
        raises,
        kills_itself,
        clones,
        again,
    )
}

words = sys.argv[1:]
if words[0] == "orphan":
    del words[0]
    become_orphan()
ACTIONS[words[0]](*words[1:])
