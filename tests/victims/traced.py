"""Makes its parent its tracer, as programs do to detect debuggers, and carries out an action.

usage: traced.py [orphan] ACTION [ARGUMENT...]
With `orphan`, an orphan below the init does so, while main waits for its end and exits with code 7.
An action that has a handler for TERM exits with code 6 at TERM.
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
    """Return only in the grandchild, when the init is its parent. Main does not return."""
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
    os.set_inheritable(send, True)  # what it execs must hold it open, too
    while os.getppid() in (main, middle):
        time.sleep(0.01)


def tell(number: int, _: object) -> None:
    os.write(1, b"%d\n" % number)
    if number == signal.SIGTERM:
        os._exit(6)


def waits() -> None:
    """Wait for signals, and print each."""
    for number in (signal.SIGUSR1, signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, tell)
    traceme()
    print("ready", os.getpid(), flush=True)
    while True:
        signal.pause()


def idles() -> None:
    """Wait for signals without a handler."""
    traceme()
    print("ready", flush=True)
    while True:
        signal.pause()


def in_a_thread() -> None:
    """Like `waits`, but the init traces a thread, which takes all signals except SIGTSTP."""
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
        time.sleep(0.01)  # Python's handlers run in this thread


def ends_a_thread() -> None:
    """Start a traced thread, which ends. The init must wait for it, as it does for a process."""
    thread = threading.Thread(target=traceme)
    thread.start()
    task = f"/proc/self/task/{thread.native_id}"
    while os.path.exists(task):  # noqa: PTH110  until the init has waited for it
        time.sleep(0.01)
    print("goes on", flush=True)


def execs(*command: str) -> None:
    traceme()
    os.execvp(command[0], command)


def forks() -> None:
    """Fork a child that ends, which sends SIGCHLD."""
    signal.signal(signal.SIGCHLD, tell)
    traceme()
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    print("goes on", flush=True)


def raises(number: str) -> None:
    """Send itself a signal by tgkill(2). By its mark, no other process can have sent it."""
    traceme()
    signal.raise_signal(int(number))
    print("goes on", flush=True)


def kills_itself(number: str) -> None:
    """Send itself a signal by kill(2), as the kernel sends the SIGTRAP after an exec."""
    traceme()
    os.kill(os.getpid(), int(number))
    print("goes on", flush=True)


def clones() -> None:
    """Clone a child that is traced from its birth."""
    traceme()
    pid = ctypes.CDLL(None).syscall(SYS_CLONE, CLONE_PTRACE | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        print("born", flush=True)
        os._exit(5)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def again(times: str) -> None:
    """Become a tracee again, each time the init has let it go."""
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
