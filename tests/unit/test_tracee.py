"""With which signal a tracee goes on, tested with a kernel that the test plays."""

import posix

import pytest

from reaper.init import kernel, proc, tracee
from reaper.signals import NUMBERS

TRAP, STOP, TERM = NUMBERS["SIGTRAP"], NUMBERS["SIGSTOP"], NUMBERS["SIGTERM"]
SI_USER, SI_TKILL, SI_KERNEL, TRAP_BRKPT = 0, -6, 128, 1
PID, US = 7, posix.getpid()
EVENT_EXEC, EVENT_STOP = 4, 128

# stop, origin of the signal, whether it has just execed, its parent -> the signal to go on with
STOPS = {
    "a signal from somebody": (TERM, (SI_USER, 5), False, US, TERM),
    "a signal from itself": (TERM, (SI_USER, PID), False, US, TERM),
    "a signal of a terminal": (TERM, (SI_KERNEL, 0), False, US, TERM),
    "a signal right after its exec": (TERM, (SI_USER, 5), True, US, TERM),
    "an exec": (TRAP, (SI_USER, PID), True, US, 0),
    "an exec in a namespace below ours": (TRAP, (SI_USER, 1), True, US, 0),
    "an exec, without /proc": (TRAP, (SI_USER, PID), None, US, 0),
    "its own kill": (TRAP, (SI_USER, PID), False, US, TRAP),
    "its own tgkill": (TRAP, (SI_TKILL, PID), False, US, TRAP),
    "somebody's SIGTRAP": (TRAP, (SI_USER, 5), False, US, TRAP),
    "somebody's SIGTRAP, without /proc": (TRAP, (SI_USER, 5), None, US, TRAP),
    "a breakpoint": (TRAP, (TRAP_BRKPT, 0), False, US, TRAP),
    "a breakpoint at the entry": (TRAP, (SI_KERNEL, 0), True, US, TRAP),
    "a stop": (STOP, (SI_USER, 5), False, US, STOP),
    "its own stop": (STOP, (SI_TKILL, PID), False, US, STOP),
    "a stop from outside the namespace": (STOP, (SI_USER, 0), False, US, STOP),
    "a birth by CLONE_PTRACE": (STOP, (SI_USER, 0), False, 5, 0),
    "a stop of the group": (STOP, None, False, US, 0),
    "an event": (TRAP | EVENT_EXEC << 8, (SI_USER, PID), True, US, 0),
    "a seized child's stop": (STOP | EVENT_STOP << 8, (SI_USER, PID), False, US, 0),
}


@pytest.mark.parametrize("case", STOPS)
def test_what_somebody_sent_is_delivered_and_what_ptrace_made_is_not(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, origin, execed, parent, expected = STOPS[case]
    process = proc.Process(b"7 (x) t %d 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 42 1 2" % parent)
    monkeypatch.setattr(kernel, "origin_of_stop", lambda _: origin)
    monkeypatch.setattr(proc, "has_just_execed", lambda _: execed)
    monkeypatch.setattr(proc, "process", lambda _: process)
    assert tracee.signal_to_go_on_with(PID, stop) == expected
