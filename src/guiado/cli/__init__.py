"""The command line. This module stays light, so that `guiado version` answers at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from guiado import __version__

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code.

    Args:
        arguments: words after the program's name; by default those of the process.

    Raises:
        SystemExit: always. 0 went well, 1 an error, 2 bad input, 130 Ctrl-C.
    """
    _open_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words in (["version"], ["--version"]):
            code = _tell_version()
        else:
            from guiado.cli.root import run

            code = run(words)
    except KeyboardInterrupt:  # Ctrl-C while modules were imported
        code = _INTERRUPTED
    raise SystemExit(code)


def _tell_version() -> int:
    try:
        print(__version__, flush=True)  # noqa: T201 the terminal library alone would take longer than all the rest
    except OSError:
        forget_output()
        return 1
    return 0


def forget_output() -> None:
    """Discard all further output: the reader has closed the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _open_streams() -> None:
    # A standard stream that was closed at the start would leave its number to the next file or connection that is opened.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, closefd=False, encoding="utf-8")  # noqa: SIM115 it stays open
    sys.stdout = sys.stdout or open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
