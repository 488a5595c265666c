"""Nothing: there is no path to import from, and so no archive."""
