"""Checks of this installation, with the remedy for each fault: `guiado doctor` and the page `/estado` show them.

They change nothing. Only the command starts an embedded database that is stopped, for as long as it looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypedDict

from guiado import clock
from guiado.app import diagnostics
from guiado.app.knowledge.settings_variables import settings_variables
from guiado.app.machine import look_at_machine
from guiado.errors import GuiadoError, Message
from guiado.settings import Settings
from guiado.store.check_result import CheckState, Finding, bad
from guiado.store.embedded import EmbeddedPostgres, default_home
from guiado.wiring import cache_folder, knowledge_path, secret_box

_NEEDED_TO_READ = {"database", "pooler", "rights", "schema"}
"""Checks without which nothing more can be read."""
_KEPT_S = 5.0


class ShownFinding(TypedDict):
    """A finding as people and programs read it."""

    check: str
    state: str
    what: str
    remedy: str | None


class CheckupReport(TypedDict):
    """All findings."""

    ok: bool
    checks: list[ShownFinding]


def report_of(findings: Iterable[Finding], say: Callable[[Message], str]) -> CheckupReport:
    """The findings in one language.

    Args:
        say: puts a message into words: what was found, and in a second line the remedy.
    """
    checks = [_check(finding, say(finding.said)) for finding in findings]
    return {"ok": all(check["state"] != CheckState.BAD for check in checks), "checks": checks}


def _check(finding: Finding, said: str) -> ShownFinding:
    what, _, remedy = said.partition("\n")
    return {"check": finding.check, "state": finding.state.value, "what": what, "remedy": remedy or None}


def has_database(findings: Iterable[Finding]) -> bool:
    """Whether the database answered."""
    return not any(finding.check == "database" and finding.state is CheckState.BAD for finding in findings)


def look_at_everything() -> list[Finding]:
    """All findings about what the next command or service would find here. Blocks."""
    settings, found = diagnostics.look_at_settings()
    found = _look_at_program(settings) + found
    knows_where = all(finding.state is not CheckState.BAD for finding in found)
    found += diagnostics.look_at_port(settings) + _look_at_parts(settings)
    if not knows_where:  # which database is in use is unknown, so that none is started
        return found + _look_at_home(settings)
    return found + (_look_at_database(settings, settings.database_url) if settings.database_url else _look_at_own(settings))


def look_while_serving(settings: Settings) -> list[Finding]:
    """All findings about a service that runs; neither starts nor stops its database. Blocks.

    Args:
        settings: that it runs with; what stands in their places by now is looked at too.
    """
    found = _look_at_program(settings) + diagnostics.look_at_settings()[1] + diagnostics.serving_at(settings)
    found += _look_at_parts(settings)
    if settings.database_url:
        return found + _look_at_database(settings, settings.database_url)
    found += _look_at_home(settings)
    try:
        dsn = EmbeddedPostgres(settings.home or default_home(), pg_bin=settings.pg_bin).dsn()
    except GuiadoError as error:
        return [*found, bad("database", error)]
    return found + (_look_at_database(settings, dsn) if dsn else [])


def _look_at_program(settings: Settings) -> list[Finding]:
    return diagnostics.look_at_program() + look_at_machine(is_embedded=settings.database_url is None)


def _look_at_parts(settings: Settings) -> list[Finding]:
    found = diagnostics.look_at_targets(settings) + diagnostics.look_at_knowledge(
        knowledge_path(settings), settings_variables(settings)
    )
    return found + diagnostics.look_at_encoder(settings, cache_folder(settings))


def _look_at_home(settings: Settings) -> list[Finding]:
    from guiado.store.embedded.diagnostics import look_at_home

    try:
        return look_at_home(settings.home or default_home(), settings.pg_bin)
    except GuiadoError as error:
        return [bad("home", error)]


def _look_at_own(settings: Settings) -> list[Finding]:
    found = _look_at_home(settings)
    if any(finding.state is CheckState.BAD for finding in found):
        return found
    server = EmbeddedPostgres(settings.home or default_home(), pg_bin=settings.pg_bin)
    try:
        if server.dsn() is None:  # it is made at the first start, so that there is nothing to check yet
            return found
        dsn = server.join()
    except GuiadoError as error:
        return [*found, bad("database", error)]
    try:
        return found + _look_at_database(settings, dsn)
    finally:
        server.leave()


def _look_at_database(settings: Settings, dsn: str) -> list[Finding]:
    from guiado.delivery.channels import addressed
    from guiado.store.diagnostics import look_at

    opened = "" if settings.is_loopback else settings.host
    seal_key = _seal_key(settings, dsn)
    found = asyncio.run(
        look_at(dsn, settings.pool_size, settings.pooler, addressed(), seal_key=seal_key, opened=opened),
    )
    is_readable = all(finding.state is CheckState.GOOD for finding in found if finding.check in _NEEDED_TO_READ)
    return found + (_look_at_secrets(settings, dsn) + _look_at_changes(settings, dsn) if is_readable else [])


def _seal_key(settings: Settings, dsn: str) -> bytes | None:
    """Key of the audit log's chain; None where it cannot be read, for which there are other findings."""
    from guiado.store.stored_secrets import audit_key

    try:
        return asyncio.run(audit_key(dsn, secret_box(settings, makes=False), settings.tenant))
    except GuiadoError:
        return None


def _look_at_secrets(settings: Settings, dsn: str) -> list[Finding]:
    from guiado.store.secret_diagnostics import look_at_secrets

    try:
        return asyncio.run(look_at_secrets(dsn, secret_box(settings, makes=False), settings.tenant))
    except GuiadoError as error:
        return [bad("secrets", error)]


def _look_at_changes(settings: Settings, dsn: str) -> list[Finding]:
    from guiado.app.knowledge.check.diagnostics import look_at_changes

    try:
        return asyncio.run(look_at_changes(dsn, settings.tenant))
    except GuiadoError as error:
        return [bad("guides", error)]


class Checkup:
    """The findings of a serving process: looked for once for all who ask at the same time, and kept for some seconds.

    Args:
        settings: of the process.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._looking: asyncio.Task[list[Finding]] | None = None
        self._ended_s = 0.0

    async def findings(self) -> list[Finding]:
        """All findings, some seconds old at most."""
        known = self._looking
        if known is None or (known.done() and clock.monotonic_s() - self._ended_s >= _KEPT_S):
            known = self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(known)

    async def _look(self) -> list[Finding]:
        try:
            return await asyncio.to_thread(look_while_serving, self._settings)
        finally:
            self._ended_s = clock.monotonic_s()
