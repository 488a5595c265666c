"""The exception for errors that are told to the user: `cli` prints one line and exits with 2."""


class UserError(Exception):
    """An error that only the user can mend. The text is one sentence that says how."""
