"""What is wrong: facts in, findings out, the worst first. Pure.

One function a finding, all in `CHECKS`. A healthy container has no finding.
"""

from collections.abc import Callable, Iterable

from .finding import CRITICAL, NOTICE, SEVERITIES, TERM, WARNING, Facts, Finding
from .limits import MISLEADING, memory_limit, oom_kills, pids_limit, rss_misleads
from .processes import storm, uninterruptible, zombies
from .signals import deaf, masked, no_init, shell, sigpipe

__all__ = ["CRITICAL", "MISLEADING", "NOTICE", "TERM", "WARNING", "Facts", "Finding", "diagnose"]

Check = Callable[[Facts], Iterable[Finding]]
# In this order within one severity.
CHECKS: tuple[Check, ...] = (
    oom_kills, memory_limit, pids_limit, zombies, uninterruptible, storm,
    shell, deaf, masked, no_init, sigpipe, rss_misleads,
)  # fmt: skip


def diagnose(facts: Facts) -> list[Finding]:
    """All findings, the worst first."""
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))
