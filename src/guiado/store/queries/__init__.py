"""The named statements in the `.sql` files beside this module.

A statement starts with `-- name: its_name`; the comment lines after it say what it is for.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

_NAME = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)


@lru_cache
def _statements(aggregate: str) -> dict[str, str]:
    parts = _NAME.split((Path(__file__).parent / f"{aggregate}.sql").read_text("utf-8"))
    return {name: body.strip().rstrip(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def sql(aggregate: str, name: str) -> str:
    """The statement `name` of the file `aggregate`.sql."""
    return _statements(aggregate)[name]
