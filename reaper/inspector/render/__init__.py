"""How things look: `table` (columns, widths), `style` (units, colours).

Functions that turn values into lines. They are pure, except that `moment` reads the clock.
"""
