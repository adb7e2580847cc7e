"""Windows of the rate limits: counted in the database, so that all processes share them.

Source: contract.md §4, `check_rate_limit`, which counts in the same windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guiado.store.connection import Connection
from guiado.store.queries import sql


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a limit for one identifier.

    Args:
        used_before: requests in it before those that were counted now; any number beyond the maximum when it is used up.
        left_s: seconds until it ends.
    """

    used_before: int
    left_s: float


async def take(
    connection: Connection, tenant: str, kind: str, counts: Mapping[str, int], most: int, minutes: int
) -> dict[str, Window]:
    """Count requests in the present window of each identifier.

    Args:
        kind: "ip" or "key".
        counts: identifier -> requests.
        most: requests that a window admits.
        minutes: length of a window.
    """
    names = list(counts)
    rows = await connection.fetch(sql("rate_limits", "take"), tenant, names, kind, [counts[one] for one in names], most, minutes)
    return {row["taker"]: Window(row["used_before"], row["left_s"]) for row in rows}
