"""Register of customer links of a serving process: recognises their tokens.

As with API keys, a row is read again after half a second, so that a link which was revoked is dead within one second.
"""

from __future__ import annotations

from collections import OrderedDict

from guiado import clock
from guiado.app.access import key_format
from guiado.store import customer_links, schedule
from guiado.store.customer_links import CustomerLink
from guiado.store.database import Database

_REMEMBERED_S = 0.5
_MOST_REMEMBERED = 10_000


class LinkRegister:
    """The customer links of an installation, as one process sees them.

    Args:
        db: connections.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: OrderedDict[str, tuple[float, CustomerLink]] = OrderedDict()

    async def find(self, token: str) -> CustomerLink | None:
        """The live link with this token; None for anything else."""
        if not key_format.is_link_token(token):
            return None
        token_hash = key_format.digest(token)
        known = self._known.get(token_hash)
        if known and clock.monotonic_s() - known[0] < _REMEMBERED_S:
            return known[1]
        asked_s = clock.monotonic_s()  # before the question: a link that is revoked meanwhile is not believed longer
        async with self._db.transaction() as connection:
            await schedule.as_owner(connection)
            found = await customer_links.by_hash(connection, token_hash)
        self._known.pop(token_hash, None)
        if found is not None:
            self._known[token_hash] = asked_s, found
            if len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        return found
