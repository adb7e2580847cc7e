"""Base of the read models: one struct per resource, made where the data is read and shown by every door."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec


class Model(msgspec.Struct, kw_only=True):
    """Base of every read model and of every answer that is made of them."""


def plain(model: msgspec.Struct) -> dict[str, Any]:
    """A model as a dictionary of plain values; dates and times stay as they are."""
    return msgspec.to_builtins(model, builtin_types=(datetime, date))
