"""`python -m guiado` is the command line."""

from __future__ import annotations

from guiado.cli import main

main()
