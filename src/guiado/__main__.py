"""Entry point of `python -m guiado`: the command line."""

from __future__ import annotations

from guiado.cli import main

main()
