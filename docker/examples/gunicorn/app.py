"""A web service that starts a helper in the background for every request, and forgets it."""

import subprocess
from collections.abc import Callable, Iterable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    subprocess.run(["sh", "-c", "sleep 0.01 &"], check=True)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"up\n"]
