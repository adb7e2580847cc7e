"""`guiado doctor`: checks of this installation, with the remedy for each fault."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Screen, screen_of
from guiado.cli.help import Manual
from guiado.store.check_result import CheckState, Finding, bad

if TYPE_CHECKING:
    from guiado.settings import Settings

_MARKS = {CheckState.GOOD: ("✓", "green"), CheckState.DOUBTFUL: ("!", "yellow"), CheckState.BAD: ("✗", "bold red")}


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(
        cls=Manual,
        help="Revisa la instalación y dice qué falla y cómo arreglarlo. Termina con código 1 si algo falla.\n"
        "Si la base de datos integrada está detenida, la arranca para revisarla y la vuelve a detener.",
    )(doctor)


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Muestra JSON, para programas.")] = False,
) -> None:
    """Run all checks and show the findings."""
    screen, findings = screen_of(context), _look_at_everything()
    is_well = all(finding.state is not CheckState.BAD for finding in findings)
    if as_json:
        _write_json(screen, findings, is_well=is_well)
    else:
        for finding in findings:
            _show(screen, finding)
        _conclude(screen, findings)
    raise typer.Exit(0 if is_well else 1)


_NEEDED_TO_READ = {"database", "pooler", "rights", "schema"}
"""Checks without which nothing more can be read."""


def _look_at_everything() -> list[Finding]:
    from guiado.app import diagnostics
    from guiado.app.machine import look_at_machine
    from guiado.wiring import cache_folder, knowledge_path

    settings, found = diagnostics.look_at_settings()
    found = diagnostics.look_at_program() + look_at_machine(is_embedded=settings.database_url is None) + found
    knows_where = all(finding.state is not CheckState.BAD for finding in found)
    found += diagnostics.look_at_port(settings) + diagnostics.look_at_targets(settings)
    found += diagnostics.look_at_knowledge(knowledge_path(settings))
    found += diagnostics.look_at_encoder(settings, cache_folder(settings))
    if not knows_where:  # which database is in use is unknown, so that none is started
        return found + _look_at_home(settings)
    return found + (_look_at_database(settings, settings.database_url) if settings.database_url else _look_at_own(settings))


def _look_at_home(settings: Settings) -> list[Finding]:
    from guiado.errors import GuiadoError
    from guiado.store.embedded import default_home
    from guiado.store.embedded.diagnostics import look_at_home

    try:
        return look_at_home(settings.home or default_home(), settings.pg_bin)
    except GuiadoError as error:
        return [bad("home", error)]


def _look_at_own(settings: Settings) -> list[Finding]:
    from guiado.errors import GuiadoError
    from guiado.store.embedded import EmbeddedPostgres, default_home

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

    seal_key = _seal_key(settings, dsn)
    found = asyncio.run(look_at(dsn, settings.pool_size, settings.pooler, addressed(), seal_key=seal_key))
    is_readable = all(finding.state is CheckState.GOOD for finding in found if finding.check in _NEEDED_TO_READ)
    return found + (_look_at_secrets(settings, dsn) if is_readable else [])


def _seal_key(settings: Settings, dsn: str) -> bytes | None:
    """Key of the audit log's chain; None where it cannot be read, for which there are other findings."""
    from guiado.errors import GuiadoError
    from guiado.store.stored_secrets import audit_key
    from guiado.wiring import secret_box

    try:
        return asyncio.run(audit_key(dsn, secret_box(settings, makes=False), settings.tenant))
    except GuiadoError:
        return None


def _look_at_secrets(settings: Settings, dsn: str) -> list[Finding]:
    from guiado.errors import GuiadoError
    from guiado.store.secret_diagnostics import look_at_secrets
    from guiado.wiring import secret_box

    try:
        return asyncio.run(look_at_secrets(dsn, secret_box(settings, makes=False), settings.tenant))
    except GuiadoError as error:
        return [bad("secrets", error)]


def _lines(screen: Screen, finding: Finding) -> tuple[str, str]:
    """Split a finding into what is wrong and the remedy, which may be empty."""
    what, _, remedy = screen.explain(finding.said).partition("\n")
    return what, remedy


def _show(screen: Screen, finding: Finding) -> None:
    from rich.text import Text

    (what, remedy), (mark, style) = _lines(screen, finding), _MARKS[finding.state]
    screen.verbatim(Text.assemble((f"{mark} ", style), what))
    if remedy:
        screen.verbatim(f"  → {remedy}", style="dim" if finding.state is CheckState.GOOD else "")


def _conclude(screen: Screen, findings: list[Finding]) -> None:
    bad_ones = sum(finding.state is CheckState.BAD for finding in findings)
    doubts = sum(finding.state is CheckState.DOUBTFUL for finding in findings)
    if bad_ones:
        screen.say("Fallos: {count}. Avisos: {doubts}.", style="bold red", count=bad_ones, doubts=doubts)
    else:
        screen.say("Todo en orden. Avisos: {doubts}.", style="bold green", doubts=doubts)


def _write_json(screen: Screen, findings: list[Finding], *, is_well: bool) -> None:
    import json

    checks: list[dict[str, str | None]] = []
    for finding in findings:
        what, remedy = _lines(screen, finding)
        checks.append({"check": finding.check, "state": finding.state.value, "what": what, "remedy": remedy or None})
    screen.verbatim(json.dumps({"ok": is_well, "checks": checks}, ensure_ascii=False, indent=2))
