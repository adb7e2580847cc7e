"""Access for operators' commands: use cases run in the scope of an operator at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from guiado.sync import Door

OPERATOR = ("terminal", "operator")
"""Channel and actor of these commands."""

SessionId = Annotated[
    str, typer.Argument(metavar="SESIÓN", help="Identificador completo, su principio, o la referencia corta (su final).")
]
"""Argument that names a session."""


def operator(language: str | None = None) -> Door:
    """Return the `Door` of this process's engine for an operator.

    Args:
        language: of what the door tells; None for the usual one.
    """
    from guiado.sync import engine

    return engine().door(*OPERATOR, language=language)


def given_of(options: Mapping[str, object]) -> dict[str, object]:
    """Return the options that are not None."""
    return {name: value for name, value in options.items() if value is not None}
