"""Finds what is wrong: takes facts and returns findings, the worst first. Pure.

`CHECKS` lists one function for each kind of finding. A healthy container has no findings.
"""

from collections.abc import Callable, Container, Iterable

from .finding import CRITICAL, NOTICE, SEVERITIES, TERM, WARNING, Facts, Finding
from .limits import MISLEADING, memory_limit, oom_kills, pids_limit, rss_misleads
from .processes import storm, uninterruptible, zombies
from .signals import deaf, masked, no_init, shell, sigpipe

__all__ = [
    "CHECKS",
    "CRITICAL",
    "MISLEADING",
    "NOTICE",
    "TERM",
    "WARNING",
    "Facts",
    "Finding",
    "diagnose",
]

Check = Callable[[Facts], Iterable[Finding]]
# The key of the findings -> the check that makes them. Within one severity they keep this order.
CHECKS: dict[str, Check] = {
    "oom-kills": oom_kills,
    "memory-limit": memory_limit,
    "pids-limit": pids_limit,
    "zombies": zombies,
    "uninterruptible": uninterruptible,
    "orphan-storm": storm,
    "shell-entrypoint": shell,
    "deaf": deaf,
    "masked": masked,
    "no-init": no_init,
    "sigpipe": sigpipe,
    "rss-misleads": rss_misleads,
}


def diagnose(facts: Facts, ignored: Container[str] = ()) -> list[Finding]:
    """All findings except the ignored ones, the worst first."""
    checks = (check for key, check in CHECKS.items() if key not in ignored)
    findings = [finding for check in checks for finding in check(facts)]
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
