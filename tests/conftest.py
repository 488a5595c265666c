"""What every test gets."""

import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

import evidence
from builds import FORMS, NotBuilt
from machine import machine, machine_is_left_alone  # noqa: F401  fixtures of every test
from support import FORM

# If somebody starts the tests in the background or with nohup, some signals are ignored, and the
# programs of the tests would inherit that. CPython itself ignores the two that are left out.
for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

# A busy machine must not fail a test, and an example that failed once must fail again.
settings.register_profile("any machine", deadline=None, derandomize=True)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--containers",
        action="store_true",
        help="run the tests in containers, too: as root they may install and start a container "
        "engine and make a user (`make container` says this)",
    )


def pytest_configure() -> None:
    if FORM not in FORMS:
        said = f"is no form of the init: say one of {', '.join(FORMS)}"
        raise pytest.UsageError(f"REAPER_TEST_FORM={FORM} {said}")


# What a form cannot do, and docs/shipping.md says so: form -> part of a test's name -> why.
LIMITS = {
    "static": {"test_the_modules_that_a_start_loads": "nothing is loaded from files"},
    "bundle": {"test_the_modules_that_a_start_loads": "it is no script of python3"},
    "wheel": {
        "test_the_modules_that_a_start_loads": "it starts python3 anew",
        "test_python_variables": "pip's script starts python3 before we can isolate it",
        "byte_for_byte[environ5]": "pip's script starts python3 before we can isolate it",
        "byte_for_byte_without_proc[environ5]": "pip's script starts python3 before we can isolate",
    },
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    limits = LIMITS.get(FORM, {})
    for item in items:
        for part, reason in limits.items():
            if part in item.name:
                item.add_marker(pytest.mark.xfail(reason=reason))


def pytest_runtest_setup() -> None:
    evidence.forget_the_ended()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure explains itself: the report has what the programs of the test said."""
    report = yield
    if report.failed and call.excinfo and not isinstance(call.excinfo.value, NotBuilt):
        if said := evidence.of_error(call.excinfo.value):
            report.sections.append(("the command that failed", said))
        report.sections += [("a program of this test", text) for text in evidence.told()]
    return report
