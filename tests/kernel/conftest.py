"""What the tests that start the init share."""

import pytest
from support import Placed, as_pid1


@pytest.fixture(params=[as_pid1, list], ids=["pid1", "subreaper"])
def placed(request: pytest.FixtureRequest) -> Placed:
    """Makes the init of a command PID 1 of a namespace, or leaves it a child subreaper of ours."""
    place: Placed = request.param
    return place
