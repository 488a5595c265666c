"""What every test gets."""

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

# Whoever starts the tests in the background, or with nohup, has them ignored; what the tests start
# would inherit that. CPython itself ignores the two that stay.
for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

# A busy machine is no failure, and what failed once fails again.
settings.register_profile("any machine", deadline=None, derandomize=True)
settings.load_profile("any machine")

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
    limits = LIMITS.get(os.environ.get("REAPER_TEST_FORM", "source"), {})
    for item in items:
        for part, reason in limits.items():
            if part in item.name:
                item.add_marker(pytest.mark.xfail(reason=reason))
