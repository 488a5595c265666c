# The built-in module under `signal`: the same functions without the conversion to enums.
from signal import *  # noqa: F403
from signal import SIGRTMAX as SIGRTMAX
from signal import SIGRTMIN as SIGRTMIN
