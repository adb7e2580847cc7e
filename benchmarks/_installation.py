"""A guiado of its own for a benchmark: a home, a server process where one is wanted, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import urlopen

from guiado.store.embedded import EmbeddedPostgres

_START_S = 120.0
_UNLIMITED = {"GUIADO_RATE_PER_IP_MINUTE": "0", "GUIADO_RATE_PER_KEY_HOUR": "0"}
"""A benchmark sends more than anybody may; `rate_limit.py` measures what the limits cost."""


class Installation:
    """A home with an embedded database; use it in a `with` block.

    Args:
        settings: of the processes, besides their home and port.
    """

    def __init__(self, **settings: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="guiado-bench-"))
        self.home.chmod(0o755)
        self.database = EmbeddedPostgres(self.home)
        self.port = _free_port()
        ours = {"GUIADO_HOME": str(self.home), "PORT": str(self.port), "GUIADO_LOG_LEVEL": "WARNING", **_UNLIMITED, **settings}
        foreign = ("DATABASE_URL", "GUIADO_", "PYTHONDONTWRITEBYTECODE")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | ours
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self.database.leave()
        folder = self.database.status().data.parent
        if folder.name != "guiado":
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self) -> float:
        """Start the server; seconds until its first answer."""
        began = time.perf_counter()
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "guiado", "serve"], env=self.environment, stderr=log)
        while time.perf_counter() - began < _START_S:
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/healthz"):
                    return time.perf_counter() - began
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.005)
        raise RuntimeError(f"the server did not start: {(self.home / 'server.log').read_text()[-2_000:]}")

    def stop(self) -> None:
        """Stop the server; safe to call twice."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def share(value: float, limit: float, unit: str) -> str:
    """How much of a limit a value takes; to be read by people."""
    part = f"{100 * value / limit:.0f} % del límite"
    return f"{part} ({limit:g} {unit})".replace(".", ",")
