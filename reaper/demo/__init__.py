"""The zombie leak, with and without reaper, side by side: `python3 -m reaper.demo`.

`stage` starts the two namespaces and counts zombies, `limit` bounds the number of processes,
`chart` draws, `story` reads the trace and judges.
The demo is not part of the init: it starts the init as a program.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  an older Python cannot even parse the other modules
    sys.stderr.write(
        f"reaper.demo: it needs Python 3.11 or later, and this is {sys.version.split()[0]}\n"
    )
    sys.exit(2)
