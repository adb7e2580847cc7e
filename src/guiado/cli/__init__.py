"""The command line. This module stays light, so that `guiado version` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from guiado import __version__


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code.

    Args:
        arguments: words after the program's name; by default those of the process.

    Raises:
        SystemExit: always. 0 went well, 1 an error, 2 bad input, 130 Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["version"], ["--version"]):
        print(__version__)  # noqa: T201 the terminal library alone would take longer than all the rest
        raise SystemExit(0)
    from guiado.cli.root import run

    raise SystemExit(run(words))
