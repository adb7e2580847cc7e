"""Result of a check of one part of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from guiado.errors import GuiadoError, Message


class CheckState(StrEnum):
    """State of the checked part."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    """The part works, but needs attention."""
    BAD = "bad"
    """The part does not work, or endangers stored data."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Args:
        check: stable name of the check, for programs.
        state: see `CheckState`.
        said: the finding in one line; unless the state is good, the remedy in a second line.
    """

    check: str
    state: CheckState
    said: Message


def good(check: str, template: str, /, **params: object) -> Finding:
    """Return a finding that needs no action."""
    return Finding(check, CheckState.GOOD, Message(template, params))


def doubtful(check: str, problem: str | GuiadoError, /, **params: object) -> Finding:
    """Return a finding that needs attention; the template, or that of the error, has two lines: the problem and the remedy."""
    return Finding(check, CheckState.DOUBTFUL, problem.message if isinstance(problem, GuiadoError) else Message(problem, params))


def bad(check: str, problem: str | GuiadoError, /, **params: object) -> Finding:
    """Return a finding of a failure; the template, or that of the error, has two lines: the problem and the remedy."""
    return Finding(check, CheckState.BAD, problem.message if isinstance(problem, GuiadoError) else Message(problem, params))
