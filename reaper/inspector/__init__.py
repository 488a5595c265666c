"""reaperctl: a program that looks at processes and can end them. It does not use `reaper.init`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  an older Python cannot even parse the other modules
    sys.stderr.write(
        f"reaperctl: it needs Python 3.11 or later, and this is {sys.version.split()[0]}\n"
    )
    sys.exit(2)
