"""Keyring of a serving process: recognises API keys, and knows whether the API is open.

Source: contract.md §6, rule 11; ADR 0034.
"""

from __future__ import annotations

import asyncio

from guiado import clock
from guiado.app.access import key_format
from guiado.app.access.secret_cache import MOST_REMEMBERED, REMEMBERED_S, SecretCache
from guiado.logs import get_logger
from guiado.store import api_keys, schedule
from guiado.store.api_keys import ApiKey
from guiado.store.database import Database

_NOTED_S = 60.0
log = get_logger()


class Keyring:
    """The API keys of an installation, as one process sees them.

    Args:
        db: connections.
        is_local: whether the server is bound to this machine only; any other address needs a key.
    """

    def __init__(self, db: Database, *, is_local: bool) -> None:
        self._db, self._is_local = db, is_local
        self._rows = SecretCache(db, api_keys.by_hash)
        self._has_keys, self._looked_s = False, float("-inf")
        self._noted: dict[str, float] = {}
        self._notes = set[asyncio.Task[None]]()

    async def is_open(self) -> bool:
        """Whether the API answers without a key: on this machine only, until the first key was made."""
        if not self._is_local or self._has_keys:
            return False
        if clock.monotonic_s() - self._looked_s >= REMEMBERED_S:
            self._has_keys = await self.has_keys()
            self._looked_s = clock.monotonic_s()
        return not self._has_keys

    async def has_keys(self) -> bool:
        """Whether any key was ever made."""
        async with self._db.transaction() as connection:
            await schedule.as_owner(connection)
            return await api_keys.exists(connection)

    async def find(self, secret: str) -> ApiKey | None:
        """The live key with this secret; None for anything else."""
        if not key_format.is_well_formed(secret):
            return None
        found = await self._rows.find(key_format.digest(secret))
        if found is not None:
            self._has_keys = True
            self._note_use(found)
        return found

    def _note_use(self, key: ApiKey) -> None:
        """Note in the background, once a minute, that a key is in use."""
        key_id, now_s = str(key.key_id), clock.monotonic_s()
        if now_s - self._noted.get(key_id, float("-inf")) < _NOTED_S:
            return
        if len(self._noted) >= MOST_REMEMBERED:
            self._noted.clear()
        self._noted[key_id] = now_s
        note = asyncio.create_task(self._mark(key))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _mark(self, key: ApiKey) -> None:
        try:
            async with self._db.connection(key.tenant_id) as connection:
                await api_keys.mark_used(connection, key.tenant_id, key.key_id)
        except Exception as error:  # noqa: BLE001 the request itself goes on
            log.debug("key_use_unknown", error=type(error).__name__)
