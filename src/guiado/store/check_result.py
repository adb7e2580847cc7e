"""What a look at one part of an installation came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from guiado.errors import GuiadoError, Message


class CheckState(StrEnum):
    """How it is with the part."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    """It works, but somebody should look at it."""
    BAD = "bad"
    """It does not work, or endangers what is stored."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Args:
        check: stable name of the check, for programs.
        state: see `CheckState`.
        said: one line what was found; unless all is well, a second line what to do.
    """

    check: str
    state: CheckState
    said: Message


def good(check: str, template: str, /, **params: object) -> Finding:
    """Nothing to do."""
    return Finding(check, CheckState.GOOD, Message(template, params))


def doubtful(check: str, template: str, /, **params: object) -> Finding:
    """It works for now. The template has two lines: what, and what to do."""
    return Finding(check, CheckState.DOUBTFUL, Message(template, params))


def bad(check: str, problem: str | GuiadoError, /, **params: object) -> Finding:
    """It does not work. The template, or that of the error, has two lines: what, and what to do."""
    return Finding(check, CheckState.BAD, problem.message if isinstance(problem, GuiadoError) else Message(problem, params))
