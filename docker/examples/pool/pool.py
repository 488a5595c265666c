"""A master with two workers. When the master gets TERM, each worker finishes its job, then all end.

When a worker gets TERM, its job is lost. celery's prefork pool behaves in the same way.
"""

import os
import signal
import time

WORKERS = 2
JOB_SECONDS = 0.5


def work(stop_reader: int) -> None:
    """Do jobs until the master closes its end of the pipe."""
    signal.signal(signal.SIGTERM, cut)
    os.set_blocking(stop_reader, False)
    print("worker: ready")
    while True:
        time.sleep(JOB_SECONDS)
        print("worker: job done")
        try:
            if os.read(stop_reader, 1) == b"":
                return
        except BlockingIOError:
            continue


def cut(number: int, frame: object) -> None:
    print("worker: job lost")
    os._exit(1)


def main() -> None:
    stop_reader, stop_writer = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    for _ in range(WORKERS):
        if os.fork() == 0:
            os.close(stop_writer)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            work(stop_reader)
            return
    signal.sigwait([signal.SIGTERM])
    print("master: warm shutdown")
    os.close(stop_writer)
    for _ in range(WORKERS):
        os.wait()
    print("master: every worker is done")


main()
