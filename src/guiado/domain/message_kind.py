"""The kind of a customer's message as a whole."""

from __future__ import annotations

from enum import StrEnum


class MessageKind(StrEnum):
    """Kind of a message as a whole; the value is what callers see.

    Source: contract.md §6.16.
    """

    PROBLEM = "problem"
    SOLVED = "solved"
    PERSON = "person"
    NOTHING_SAID = "nothing_said"
    OTHER = "other"
