"""The roles of clauses, and what a whole message comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from guiado.domain.message_kind import MessageKind

__all__ = ["ROLES", "Clause", "MessageKind", "Role"]


class Role(StrEnum):
    """Role of a clause in its message; the value is what callers see."""

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
