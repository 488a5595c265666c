"""The one exception that means an error: `cli` prints it in one line and leaves with 2."""


class UserError(Exception):
    """Something only the user can change; the text is one sentence that says how."""
