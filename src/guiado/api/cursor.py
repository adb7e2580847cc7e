"""Where a page of a list ends: the time and id of its last row, as a text that a caller hands back."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from uuid import UUID

from guiado.errors import FieldProblem, InvalidInput, Message


def write_cursor(moment: datetime, row_id: str) -> str:
    """The cursor behind a row."""
    return base64.urlsafe_b64encode(f"{moment.isoformat()} {row_id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """The row that a cursor names.

    Raises:
        InvalidInput: it is none of ours.
    """
    try:
        moment, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        return datetime.fromisoformat(moment).astimezone(UTC), UUID(row_id)
    except (ValueError, OverflowError):
        raise InvalidInput([FieldProblem("cursor", Message("No es válido. Usa el next_cursor de la página anterior."))]) from None
