"""The system calls that Python lacks, made through ctypes, report their errors as errnos."""

import errno
import sys

import pytest

from reaper.init import kernel, linux

NO_SUCH_OPTION, NO_SUCH_PROCESS = 1 << 20, 1 << 30


def test_errors() -> None:
    for call, number in (
        (lambda: linux.prctl(NO_SUCH_OPTION, 0), errno.EINVAL),
        (lambda: linux.ptrace(kernel.PTRACE_DETACH, NO_SUCH_PROCESS, 0), errno.ESRCH),
        (lambda: linux.ptrace(kernel.PTRACE_GETSIGINFO, 1, bytearray(128)), errno.ESRCH),
    ):
        with pytest.raises(OSError) as raised:
            call()
        assert raised.value.errno == number
    assert kernel.prctl(NO_SUCH_OPTION, 0) == errno.EINVAL
    assert kernel.detach(NO_SUCH_PROCESS, 0) == errno.ESRCH
    assert kernel.origin_of_stop(NO_SUCH_PROCESS) is None


def test_without_ctypes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_ctypes", None)
    assert kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1) == errno.ENOSYS
    assert kernel.detach(1, 0) == errno.ENOSYS
    assert kernel.origin_of_stop(1) is None
