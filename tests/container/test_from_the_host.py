"""`reaperctl --container NAME`, on the host of the engine: what it says of a real container."""

import json
import os
import subprocess
import sys
from typing import Any

from engines import Container, Engine
from support import eventually

# Nobody waits for these but their parent, which sleeps.
LEAKY = "import os, time\nfor _ in range(5): os.fork() or os._exit(0)\ntime.sleep(1000)"


def reaperctl(engine: Engine, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "reaper.inspector.cli", *words]
    return subprocess.run(
        command, env=engine.environment, capture_output=True, text=True, check=False
    )
