"""The zombie leak, with and without reaper, side by side: `python -m reaper.demo`.

`stage` starts the two namespaces and counts, `chart` draws, `story` reads the trace and judges.
Nothing here is part of the init, and the init is only started as a program.
"""
