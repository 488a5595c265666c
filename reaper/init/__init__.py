"""The init. `core` decides, `kernel` and `launch` call the system, `loop` is the order of things.

Every module here is part of a container's start: it imports built-in modules and the vocabulary.
"""
