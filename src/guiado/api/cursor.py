"""Cursors of paged lists: the list, time and id of a page's last row, as a text."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from guiado.errors import FieldProblem, InvalidInput, Message

List = Literal["sessions", "notifications", "attempts", "audit"]


def write_cursor(of: List, moment: datetime, row_id: str) -> str:
    """Encode the cursor of the page after a row of a list."""
    return base64.urlsafe_b64encode(f"{of} {moment.isoformat()} {row_id}".encode()).decode()


def read_cursor(of: List, cursor: str | None) -> tuple[datetime, UUID] | None:
    """Decode a cursor into the time and id of its row; None without a cursor.

    Raises:
        InvalidInput: the text is no cursor of this list.
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
