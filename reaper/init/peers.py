"""The names the init answers to: what changes when it is started under the name of another init.

One row for each name. Docker and podman ask the init that they put into containers for its version,
and Docker wants the answer in tini's words.
"""

from reaper import __version__

# `docker info` shows what follows "git.", up to the next dot.
_TINI = f"tini version 0.19.0 - git.reaper-{__version__.replace('.', '-')}"

VERSIONS = {"tini": _TINI, "docker-init": _TINI}


def version(argv0: str) -> str:
    """The answer to --version under this name."""
    return VERSIONS.get(argv0.rpartition("/")[2], f"reaper {__version__}")
