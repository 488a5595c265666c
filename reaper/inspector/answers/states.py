"""The states of a process: one row per letter of /proc/PID/stat. Source: proc(5)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """A state in words, and what a person can do about it."""

    letter: str
    name: str
    meaning: str
    cure: str


STATES = {
    state.letter: state
    for state in (
        State("R", "running", "runs, or waits for a CPU", "if many: more CPUs, or less work"),
        State("S", "sleeping", "waits for an event; a signal wakes it", "nothing: this is normal"),
        State(
            "D", "disk sleep", "waits inside the kernel; no signal gets through, KILL perhaps",
            "find what it waits for: reaperctl show PID names the kernel function",
        ),
        State(
            "T", "stopped", "was stopped by STOP, TSTP, TTIN or TTOU; TERM waits until it goes on",
            "kill -CONT PID",
        ),
        State("t", "tracing stop", "a debugger holds it", "let the debugger go on, or end it"),
        State(
            "Z", "zombie", "has ended; its parent has not waited for it",
            "it cannot be killed: reaperctl zombies names the parent at fault",
        ),
        State("X", "dead", "is being removed", "nothing: it is gone in a moment"),
        State("I", "idle", "a kernel thread without work", "nothing: this is normal"),
        State("P", "parked", "a kernel thread whose CPU is off", "nothing: this is normal"),
    )
}  # fmt: skip

UNKNOWN_STATE = State("?", "unknown", "a state this program does not know", "see proc(5)")


def describe(letter: str) -> str:
    """A state for sentences: `Z (zombie)`."""
    return f"{letter} ({STATES.get(letter, UNKNOWN_STATE).name})"
