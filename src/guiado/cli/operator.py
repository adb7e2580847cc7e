"""The door of commands for operators: use cases run in the scope of an agent at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guiado.sync import Door

OPERATOR = ("terminal", "agent")
"""Channel and actor of these commands."""


def operator() -> Door:
    """The engine of this process, for an operator."""
    from guiado.sync import engine

    return engine().door(*OPERATOR)


def given_of(options: Mapping[str, object]) -> dict[str, object]:
    """The options that were given: those that are not None."""
    return {name: value for name, value in options.items() if value is not None}
