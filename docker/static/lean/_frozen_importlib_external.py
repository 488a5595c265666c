"""Import from files: there is none."""


def _install(bootstrap: object) -> None:
    """Called at the interpreter's start, to put finders on sys.meta_path."""
