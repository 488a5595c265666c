"""What the tests that start the init share."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support import Placed, as_pid1


@pytest.fixture(params=[as_pid1, list], ids=["pid1", "subreaper"])
def placed(request: pytest.FixtureRequest) -> Placed:
    """Makes the init of a command PID 1 of a namespace, or leaves it a child subreaper of ours."""
    place: Placed = request.param
    return place


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user may enter. A test must not open up the folders above `tmp_path`."""
    with TemporaryDirectory(prefix="reaper-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
