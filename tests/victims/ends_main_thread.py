"""Ends its main thread while another one lives on: its state is Z, but it is not a zombie.

It says `ready` before. Any signal ends it, as usual.
"""

import ctypes
import threading
import time

threading.Thread(target=time.sleep, args=(60,)).start()
print("ready", flush=True)
ctypes.CDLL(None).pthread_exit(None)
