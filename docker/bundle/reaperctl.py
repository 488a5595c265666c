"""reaperctl. The programs that it starts, docker or podman, get the environment as it was given."""

import posix

from reaper.init import environment
from reaper.inspector.cli import console

environment.apply(environment.fixes(posix.environ))
console()
