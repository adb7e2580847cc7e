"""Register of customer links of a serving process: recognises their tokens."""

from __future__ import annotations

from guiado.app.access import key_format
from guiado.app.access.secret_cache import SecretCache
from guiado.store import customer_links
from guiado.store.customer_links import CustomerLink
from guiado.store.database import Database


class LinkRegister:
    """The customer links of an installation, as one process sees them.

    Args:
        db: connections.
    """

    def __init__(self, db: Database) -> None:
        self._rows = SecretCache(db, customer_links.by_hash)

    async def find(self, token: str) -> CustomerLink | None:
        """The live link with this token; None for anything else."""
        return await self._rows.find(key_format.digest(token)) if key_format.is_link_token(token) else None
