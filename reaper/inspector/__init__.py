"""The inspector: reaperctl, which looks at processes and can end them; without `reaper.init`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  before a module that an old Python cannot read
    sys.stderr.write(
        f"reaperctl: it needs Python 3.11 or later, and this is {sys.version.split()[0]}\n"
    )
    sys.exit(2)
