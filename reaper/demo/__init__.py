"""The zombie leak, with and without reaper, side by side: `python -m reaper.demo`.

`stage` starts the two namespaces and counts, `chart` draws, `story` reads the trace and judges.
The demo is no part of the init: it starts the init as a program.
"""
