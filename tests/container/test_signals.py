"""The engine's `kill --signal` sends every signal of the policy table to a real PID 1."""

from collections.abc import Iterator

import pytest
from engines import Container, Engine
from support import eventually, state

from reaper import signals
from reaper.signals import ACTIONS, FORWARD, NUMBERS, POLICY, TERMINATE, UNCATCHABLE

pytestmark = pytest.mark.every_form

CATCHABLE = [name for name, action, _ in POLICY if action != UNCATCHABLE]
CONT = NUMBERS["SIGCONT"]
LISTEN = ["python3", "/victims/prints_signals.py", "until", str(signals.REALTIME[6])]
MARK = signals.REALTIME[-1]  # the highest: of pending real-time signals, the lowest comes first


@pytest.fixture(scope="module")
def listener(engine: Engine) -> Iterator[Container]:
    """A container whose main prints each signal that reaches it, and lives on."""
    with engine.container("--", *LISTEN) as container:
        container.wait_line("ready")
        yield container


def received(listener: Container) -> list[int]:
    """The signals that main has printed since the last call. MARK is sent now and ends the list."""
    listener.kill(MARK)
    numbers = []
    while (number := int(listener.line())) != MARK:
        numbers.append(number)
    return numbers


@pytest.mark.parametrize("name", CATCHABLE)
def test_policy(listener: Container, name: str) -> None:
    number = NUMBERS[name]
    expected = {FORWARD: [number], TERMINATE: [number, CONT]}.get(ACTIONS[number], [])
    listener.kill(number)
    # The kernel chooses which of two pending signals main gets first.
    assert sorted(received(listener)) == sorted(expected)


def test_realtime_signals_come_one_for_one(listener: Container) -> None:
    numbers = [signals.REALTIME[0], signals.REALTIME[-2], signals.REALTIME[0]]
    for number in numbers:
        listener.kill(number)
    assert sorted(received(listener)) == sorted(numbers)


def test_stop_and_continue_of_the_init(engine: Engine) -> None:
    with engine.container("--", *LISTEN) as container:
        container.wait_line("ready")
        container.kill("STOP")
        eventually(lambda: state(container.pid) == "T", "the init stopped")
        container.kill("CONT")
        container.wait_line(str(CONT))
        container.kill("KILL")
        assert container.wait() == 137
