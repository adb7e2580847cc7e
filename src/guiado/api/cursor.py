"""Where a page of a list ends: the list, the time and the id of its last row, as a text that a caller hands back."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from guiado.errors import FieldProblem, InvalidInput, Message

List = Literal["sessions", "notifications", "attempts"]


def write_cursor(of: List, moment: datetime, row_id: str) -> str:
    """The cursor behind a row of a list."""
    return base64.urlsafe_b64encode(f"{of} {moment.isoformat()} {row_id}".encode()).decode()


def read_cursor(of: List, cursor: str | None) -> tuple[datetime, UUID] | None:
    """The row that a cursor names; None where there is no cursor.

    Raises:
        InvalidInput: it is none of this list's.
    """
    if not cursor:
        return None
    found = _row(of, cursor)
    if found is None:
        raise InvalidInput([FieldProblem("cursor", Message("No es válido. Usa el next_cursor de la página anterior."))])
    return found


def _row(of: List, cursor: str) -> tuple[datetime, UUID] | None:
    try:
        named, moment, row_id = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode().split(" ")
        row = datetime.fromisoformat(moment).astimezone(UTC), UUID(row_id)
    except (ValueError, OverflowError):
        return None
    return row if named == of else None
