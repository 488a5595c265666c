"""How things look: `table` (columns, widths), `style` (colours, units, any text).

Pure functions from values to lines; no /proc, no terminal is asked here.
"""
