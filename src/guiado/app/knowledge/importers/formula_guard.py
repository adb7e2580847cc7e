"""Guard of a table's cells: an apostrophe before what a spreadsheet would compute, taken off again on import."""

from __future__ import annotations

import re

_COMPUTED = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r])")
"""Beginning of a cell that some spreadsheet computes, or that begins like one that is guarded already."""
_GUARD = "'"


def guarded(cell: str) -> str:
    """A cell that every spreadsheet takes for text."""
    return f"{_GUARD}{cell}" if _COMPUTED.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell before it was guarded; one that was not, as it is."""
    return cell[1:] if cell.startswith(_GUARD) and _COMPUTED.match(cell, 1) else cell
