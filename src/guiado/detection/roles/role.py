"""The roles of clauses, and what a whole message comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a clause does in its message; the value is what callers see."""

    WRONG = "wrong"
    WORKS = "works"
    DENIED = "denied"
    WISH = "wish"
    THANKS = "thanks"
    NOTHING = "nothing"
    PERSON = "person"
    TRIED = "tried"
    AUTOMATIC = "automatic"


ROLES = tuple(Role)


class MessageKind(StrEnum):
    """What a message is, as a whole; the value is what callers see.

    Source: contract.md §6.16.
    """

    PROBLEM = "problem"
    SOLVED = "solved"
    PERSON = "person"
    NOTHING_SAID = "nothing_said"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a message.

    Args:
        text: as the customer wrote it.
        role: the likeliest one.
        chance: of that role, 0..1.
    """

    text: str
    role: Role
    chance: float
