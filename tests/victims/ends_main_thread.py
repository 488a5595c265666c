"""Its main thread ends and another one lives on: a Z that is no zombie. Says `ready` before.

Dies of any signal, as programs do.
"""

import ctypes
import threading
import time

threading.Thread(target=time.sleep, args=(60,)).start()
print("ready", flush=True)
ctypes.CDLL(None).pthread_exit(None)
