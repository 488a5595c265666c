"""Prints the name of every signal that reaches it, one a line, and is moved by none."""

import signal

WATCHED = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}

signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
print("ready", flush=True)
while True:
    number = signal.sigwaitinfo(WATCHED).si_signo
    name = signal.Signals(number).name if number < signal.SIGRTMIN else f"signal {number}"
    print(name, flush=True)
