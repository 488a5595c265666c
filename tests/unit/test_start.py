"""What the init does if it cannot start."""

import pytest

from reaper.init import kernel, start


def test_a_failure_before_main_is_one_line_and_125(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise PermissionError(13, "Permission denied")

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(kernel, "reserve_standard_descriptors", broken)
    monkeypatch.setattr(kernel, "leave", leave)
    with pytest.raises(SystemExit) as left:
        start.run(["true"], set())
    assert left.value.code == 125
    first, _ = capfd.readouterr().err.splitlines()
    assert first == "reaper: cannot start: PermissionError: [Errno 13] Permission denied"
