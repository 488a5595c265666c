"""The thin shell around the kernel: one short function for each system call.

It leaves the decisions to others, but for three functions that need several calls for one answer:
`stop_self` and `holds_foreground` of job control, and `send_if`. Their docstrings say what they
decide.

Every docstring names the man page and the errors that are normal. `posix` and `_signal` are the
built-in modules under `os` and `signal`, without their start-up time.
"""

import _signal
import errno
import posix
import sys

from reaper import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    Siginfo = _signal.struct_siginfo

if TYPE_CHECKING or "_linux" not in sys.builtin_module_names:
    from reaper.init import linux
else:  # the static form
    import _linux as linux

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PTRACE_DETACH = 17
PTRACE_GETSIGINFO = 0x4202
CATCHABLE = frozenset(
    [number for number, action in signals.ACTIONS.items() if action != signals.UNCATCHABLE]
)


def block(numbers: "Iterable[int]") -> set[int]:
    """Block signals and return the mask from before: pthread_sigmask(3)."""
    return set(map(int, _signal.pthread_sigmask(_signal.SIG_BLOCK, numbers)))


def unblock(numbers: "Iterable[int]") -> None:
    """Unblock signals; what is pending is delivered before this returns: pthread_sigmask(3)."""
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, numbers)


def next_signal(numbers: "Iterable[int]", timeout: float | None = None) -> "Siginfo | None":
    """Take one pending signal, the lowest number first; None after `timeout` seconds.

    sigtimedwait(2); without a timeout sigwaitinfo(2), which costs nothing while nothing comes.
    """
    if timeout is None:
        return _signal.sigwaitinfo(numbers)
    return _signal.sigtimedwait(numbers, timeout)


def is_pending(number: int) -> bool:
    """Whether a blocked signal is pending: sigpending(2)."""
    return number in _signal.sigpending()


def set_default(number: int) -> None:
    """Give a signal its default disposition: signal(2)."""
    _signal.signal(number, _signal.SIG_DFL)


def has_python_handler(number: int) -> bool:
    """Whether CPython installed a handler of its own (SIGINT, unless it was inherited ignored)."""
    return callable(_signal.getsignal(number))


def send(target: int, number: int) -> int:
    """Call kill(2); `target` means what it means there. Returns 0 or the errno (ESRCH, EPERM)."""
    try:
        posix.kill(target, number)
    except OSError as error:
        return error.errno or 0
    return 0


REFUSED = (errno.EPERM, errno.ENOSYS)  # what a seccomp profile answers


def peek() -> tuple[int, bool]:
    """A child that can be waited for: (pid, whether it has ended); pid 0: there is none.

    waitid(2) with WNOWAIT takes nothing, so /proc/PID/stat of a zombie can still be read. A child
    that has not ended is a tracee that has stopped: `stop_or_continue` takes that stop.
    ChildProcessError: we have no child.
    """
    found = posix.waitid(posix.P_ALL, 0, posix.WEXITED | posix.WNOHANG | posix.WNOWAIT)
    return (found.si_pid, found.si_code != posix.CLD_TRAPPED) if found else (0, False)


def reap(pid: int = -1) -> tuple[int, int]:
    """Reap a child: (pid, wait status); pid 0: none; ChildProcessError: no child. waitpid(2).

    The status may also say that a tracee has stopped: ask `stop_in`.
    """
    return posix.waitpid(pid, posix.WNOHANG)


def reap_with_usage(pid: int) -> tuple[int, int, float, float, int]:
    """Reap a zombie: (pid, wait status, user s, system s, max RSS in bytes). wait4(2)."""
    pid, status, usage = posix.wait4(pid, posix.WNOHANG)
    return pid, status, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * 1024


def stop_in(status: int) -> int:
    """The signal of a stop, as `stop_or_continue` returns it; 0: no stop, the child has ended."""
    return status >> 8 if posix.WIFSTOPPED(status) else 0


STOPPED, TRAPPED = posix.CLD_STOPPED, posix.CLD_TRAPPED


def stop_or_continue(pid: int) -> tuple[int, int] | None:
    """Take a child's next stop or continue, which is told only once: (kind, signal). waitid(2).

    The kind is STOPPED or TRAPPED; with any other kind the child was continued. TRAPPED means that
    it stopped for us, its tracer. The signal then also has the number of a PTRACE_EVENT, if there
    is one, above its eight bits.
    None: nothing happened, or the child is gone (ECHILD), or seccomp forbids the call.
    """
    try:
        info = posix.waitid(posix.P_PID, pid, posix.WSTOPPED | posix.WCONTINUED | posix.WNOHANG)
    except ChildProcessError:
        return None
    except OSError as error:
        if error.errno in REFUSED:
            return None
        raise
    return (info.si_code, info.si_status) if info else None


def origin_of_stop(pid: int) -> tuple[int, int] | None:
    """Who sent the signal that a tracee of ours has stopped for: (si_code, si_pid).

    None: it did not stop for a signal but in a group-stop (EINVAL), or it is gone (ESRCH), or the
    call is forbidden. ptrace(2): PTRACE_GETSIGINFO; sigaction(2).
    """
    siginfo = bytearray(128)
    try:
        linux.ptrace(PTRACE_GETSIGINFO, pid, siginfo)
    except OSError:
        return None
    words = memoryview(siginfo).cast("i")
    return words[2], words[4 if sys.maxsize > 1 << 32 else 3]


def detach(pid: int, number: int) -> int:
    """Let a stopped tracee go on, with a signal or with none (0); returns 0 or the errno.

    ptrace(2): PTRACE_DETACH. ESRCH: it was killed meanwhile.
    """
    try:
        linux.ptrace(PTRACE_DETACH, pid, number)
    except OSError as error:
        return error.errno or errno.EINVAL
    return 0


def stop_self(number: int) -> bool:
    """Stop our whole process group by a stop signal; returns when we are continued.

    Returns False if the kernel refused, as it does for PID 1 and for an orphaned process group
    (setpgid(2), POSIX 2.4.3): nobody could continue us there. We stop the group, because a
    terminal's Ctrl-Z would have stopped it if main were in it.
    """
    if posix.getpid() == 1:
        return False  # do not even try: our group may hold processes outside the namespace
    if number == signals.NUMBERS["SIGSTOP"]:
        number = signals.NUMBERS["SIGTSTP"]  # the kernel can refuse only a terminal's stop signals
    send(0, number)
    unblock((number,))
    block((number,))
    # The SIGCONT that woke us is still pending. Take it: the caller continues main itself.
    return next_signal((signals.NUMBERS["SIGCONT"],), 0) is not None


def prctl(option: int, value: int) -> int:
    """prctl(2) with one argument; 0 or the errno, ENOSYS if there is no way to call it."""
    try:
        linux.prctl(option, value)
    except OSError as error:
        return error.errno or errno.EINVAL
    return 0


def group_of(pid: int) -> int:
    """The process group of a child; 0 if we are not allowed to ask (seccomp). getpgid(2)."""
    try:
        return posix.getpgid(pid)
    except OSError:
        return 0


def has_child_in(group: int) -> bool:
    """Whether a child of ours, dead or alive, is in a process group. waitid(2): ECHILD."""
    try:
        posix.waitid(posix.P_PGID, group, posix.WEXITED | posix.WNOHANG | posix.WNOWAIT)
    except OSError:
        return False
    return True


def lead_group() -> int:
    """Become the leader of a process group of our own; 0 or the errno. setpgid(2)."""
    try:
        posix.setpgid(0, 0)
    except OSError as error:
        return error.errno or 0
    return 0


def change_folder(path: str) -> int:
    """chdir(2); 0 or the errno."""
    try:
        posix.chdir(path)
    except OSError as error:
        return error.errno or 0
    return 0


def open_terminal() -> int:
    """A descriptor of the controlling terminal; -1: there is none. tty(4): ENXIO, ENOENT."""
    try:
        return posix.open("/dev/tty", posix.O_RDWR | posix.O_NOCTTY | posix.O_CLOEXEC)
    except OSError:
        return -1


def holds_foreground(terminal: int) -> bool:
    """Whether our process group is the terminal's foreground group. tcgetpgrp(3).

    If both groups are from outside our PID namespace, both numbers are 0. Then a read of no bytes
    tells: it is refused in the background (EIO, because SIGTTIN is blocked).
    """
    group = posix.getpgrp()
    if foreground(terminal) != group:
        return False
    try:
        return bool(group) or not posix.read(terminal, 0)
    except OSError:
        return False


def foreground(terminal: int) -> int:
    """The terminal's foreground group, 0 if it is of another PID namespace; -1: no terminal."""
    try:
        return posix.tcgetpgrp(terminal) if terminal >= 0 else -1
    except OSError:
        return -1


def give_terminal(terminal: int, pgid: int) -> int:
    """Make a group the foreground group; 0 or the errno. SIGTTOU must be blocked. tcsetpgrp(3)."""
    try:
        posix.tcsetpgrp(terminal, pgid)
    except OSError as error:
        return error.errno or 0
    return 0


def reserve_standard_descriptors() -> None:
    """Occupy closed descriptors 0 to 2, so that nothing of ours lands on them.

    "/" always exists, and O_PATH needs no permission on it. Reading and writing still fail with
    EBADF, as on a closed descriptor. Close-on-exec leaves the descriptors closed for main.
    """
    for descriptor in (0, 1, 2):
        try:
            posix.fstat(descriptor)
        except OSError:
            posix.open("/", posix.O_PATH | posix.O_CLOEXEC)


def close_inherited(keep: "Iterable[int]") -> None:
    """Close every descriptor above 2 that is not in `keep`; main has its own copies. close(2)."""
    try:
        names = posix.listdir("/proc/self/fd")
    except OSError:
        names = [str(number) for number in range(3, 4096)]
    for descriptor in set(map(int, names)) - {0, 1, 2, *keep}:
        try:
            posix.close(descriptor)
        except OSError:  # the listing's own descriptor, or a gap
            continue


def send_if(still_same: "Callable[[], bool]", pid: int, number: int) -> int:
    """Signal a process that is not our child, so that a reused pid is never hit; 0 or the errno.

    The pidfd stays with one process while `still_same` checks whether that is the one we mean.
    pidfd_open(2), pidfd_send_signal(2): ESRCH. If we get no pidfd (Linux before 5.3, a seccomp
    profile, no descriptor left), we rely on the check alone.
    """
    try:
        descriptor = posix.pidfd_open(pid)
    except OSError:
        return send(pid, number) if still_same() else errno.ESRCH
    try:
        if not still_same():
            return errno.ESRCH
        _signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return errno.ESRCH
    except OSError:
        return send(pid, number)
    finally:
        posix.close(descriptor)
    return 0


def leave(code: int) -> "NoReturn":
    """End at once: Python's own shut-down takes longer than all of our leaving. _exit(2)."""
    posix._exit(code)
