"""What a command of the terminal said, and the real command in a terminal of its own."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

GUIADO = str(Path(sys.executable).with_name("guiado"))
DEADLINE_S = 60
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Ran:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str = ""


def environment(**given: str) -> dict[str, str]:
    """The surroundings of a command that is run."""
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    return {**kept, **given}


def asks(text: str) -> bool:
    """Whether a command waits at its prompt."""
    return _CONTROL.sub("", text).endswith("› ")


def at_a_terminal(
    dsn: str,
    *words: str,
    keys: Sequence[bytes],
    columns: int = 80,
    lines: int = 24,
    program: str = GUIADO,
    waits: Callable[[str], bool] = asks,
    **given: str,
) -> Ran:
    """Run the real command in a terminal of its own and type each of `keys` when it asks.

    Args:
        program: what is started, by its path.
        waits: whether, with this shown, the next key is due.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        size = {"COLUMNS": str(columns), "LINES": str(lines)}
        surroundings = environment(DATABASE_URL=dsn, TERM="xterm-256color", **{**size, **given})
        os.execve(program, [program, *words], surroundings)  # noqa: S606
    said, deadline = "", time.monotonic() + DEADLINE_S
    for key in keys:
        said += "" if waits(said) else _read_until(terminal, waits, deadline)
        while time.monotonic() < deadline:
            os.write(terminal, key)
            said += (answer := _read_until(terminal, lambda text: "\n" in text, time.monotonic() + 2))
            # A Ctrl-C in the instant in which Python begins to listen is lost; a line never is.
            if "\n" in answer or key != b"\x03":
                break
    said += _read_until(terminal, lambda _: False, deadline)
    if time.monotonic() >= deadline:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return Ran(os.waitstatus_to_exitcode(status), said)


def plain(ran: Ran) -> str:
    """What was shown, on one line and without colours."""
    return " ".join(_CONTROL.sub("", ran.out).split())


def _read_until(terminal: int, is_enough: Callable[[str], bool], deadline: float) -> str:
    """What the terminal shows until it is enough, the other side closes it, or the deadline has passed."""
    said = b""
    while time.monotonic() < deadline and not is_enough(said.decode(errors="ignore")):
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                said += os.read(terminal, 65536)
            except OSError:  # closed by the other side
                break
    return said.decode(errors="replace")
