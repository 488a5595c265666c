"""How things look: `table` (columns, widths), `style` (colours, units, any text).

Pure functions from values to lines, but that `moment` asks the clock. No /proc, no terminal.
"""
