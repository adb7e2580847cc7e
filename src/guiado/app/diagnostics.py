"""Checks of settings, addresses and knowledge base for `guiado doctor`; they change nothing and need no database."""

from __future__ import annotations

import difflib
import http.client  # nosemgrep: network-outside-delivery  it asks our own port whether guiado answers there
import os
import platform
import re
import socket
from collections.abc import Mapping
from pathlib import Path

from guiado import __version__
from guiado.app.knowledge.check.defects import defects_of
from guiado.app.knowledge.sources.json_file import NO_VARIABLES, Variables, read_file
from guiado.errors import EncoderUnavailable, GuiadoError, KnowledgeBaseInvalid, SettingsInvalid, TargetRefused, os_reason
from guiado.settings import KNOWN_NAMES, Settings, read_env_file, read_settings
from guiado.store.check_result import Finding, bad, doubtful, good

_TIMEOUT_S = 2.0
_ALIKE = 0.75
_NAMED = 3
_OK = 200
_KESTRA = re.compile(r"\A[^/]++(?:/[\w.-]++)*?/api/v1(?:/[\w.-]++)?/executions/webhook/[\w.-]++/[\w.-]++/[^/?#]++(?:\?.*)?")
_KESTRA_EXAMPLE = "https://kestra.example.com/api/v1/main/executions/webhook/…"
_SLACK = re.compile(r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[\w/-]+")
_SLACK_EXAMPLE = "https://hooks.slack.com/services/…"
"""Patterns and examples of the webhook addresses of Kestra and Slack; a pattern covers host and path."""


def look_at_program() -> list[Finding]:
    """Finding with the versions of guiado and of Python."""
    return [good("program", "guiado {version}, Python {python}.", version=__version__, python=platform.python_version())]


def look_at_settings() -> tuple[Settings, list[Finding]]:
    """The settings and all findings about them; instead of invalid ones, those of the environment alone, or the defaults."""
    try:
        settings = read_settings()
        found = [good("settings", "La configuración es válida.")]
    except SettingsInvalid as error:
        settings = _settings_of_the_environment()
        found = [bad("settings", error)]
    try:
        written = read_env_file()
    except SettingsInvalid:  # said already
        written = {}
    return settings, found + _unknown({**os.environ, **written}, written)


def look_at_encoder(settings: Settings, folder: Path | None) -> list[Finding]:
    """Finding about an encoder that may not run on this machine; the first time it is made, which takes some seconds.

    Args:
        folder: where it is stored.
    """
    if settings.encoder != "e5":
        return []
    from guiado.detection.semantic.encoders.e5.encoder import load_e5

    if isinstance(model := load_e5(folder), EncoderUnavailable):
        return [doubtful("encoder", model)]
    return [good("encoder", "El codificador «e5» funciona en este equipo.")]


def _settings_of_the_environment() -> Settings:
    try:
        return Settings(_env_file=None)  # pyright: ignore[reportCallIssue]
    except ValueError:
        return Settings.model_construct()


def _unknown(given: Mapping[str, str], written: Mapping[str, str]) -> list[Finding]:
    """Findings about names that look like settings of guiado and are none.

    Args:
        given: all variables.
        written: those of `.env`, where any name may be a misspelt one.
    """
    ours = sorted(name for name in given if name.upper().startswith("GUIADO_") or name in written)
    strange = [name for name in ours if name.upper() not in KNOWN_NAMES]
    found: list[Finding] = []
    for name in strange:
        alike = difflib.get_close_matches(name.upper(), KNOWN_NAMES, 1, _ALIKE)
        if alike:
            found.append(
                doubtful(
                    "settings", "{name} no es un ajuste de guiado.\nQuizá querías escribir {known}.", name=name, known=alike[0]
                )
            )
        elif name.upper().startswith("GUIADO_"):
            found.append(
                doubtful("settings", "{name} no es un ajuste de guiado.\nQuítalo; los que hay están en .env.example.", name=name)
            )
    return found


def look_at_targets(settings: Settings) -> list[Finding]:
    """Findings about the form of the addresses for events and notifications; no address is called."""
    kestra = _look_at_target("KESTRA_WEBHOOK_URL", settings.kestra_webhook_url, _KESTRA, _KESTRA_EXAMPLE)
    return kestra + _look_at_target("SLACK_WEBHOOK_URL", settings.slack_webhook_url, _SLACK, _SLACK_EXAMPLE)


def _look_at_target(name: str, url: str | None, form: re.Pattern[str], example: str) -> list[Finding]:
    from guiado.delivery.target_url import vet_url

    if url is None:
        return []
    try:
        target = vet_url(url, operator=True)
    except TargetRefused as error:
        return [bad("targets", "{name} no se puede usar: {problem}\nCópiala de nuevo.", name=name, problem=error.message)]
    if form.fullmatch(target.host + target.path.decode()):
        return [good("targets", "El formato de {name} es correcto.", name=name)]
    return [
        doubtful(
            "targets",
            "El formato de {name} no es el habitual ({example}).\nSe usa como está; si es la que te dieron, no hagas caso.",
            name=name,
            example=example,
        )
    ]


def look_at_port(settings: Settings) -> list[Finding]:
    """Finding on whether the service's address is free, or serves guiado already."""
    place = f"{settings.host}:{settings.port}"
    problem = _why_closed(settings.host, settings.port)
    if problem is None:
        return [good("port", "La dirección {place} está libre.", place=place)]
    if _is_guiado(settings.host, settings.port):
        return serving_at(settings)
    return [
        bad(
            "port",
            "No se puede abrir {host}:{port} ({problem}).\nCierra el programa que usa ese puerto o elige otro con PORT.",
            host=settings.host,
            port=settings.port,
            problem=os_reason(problem),
        )
    ]


def serving_at(settings: Settings) -> list[Finding]:
    """Finding with the address at which the service runs."""
    return [good("port", "El servicio ya está en marcha en {place}.", place=f"{settings.host}:{settings.port}")]


def _why_closed(host: str, port: int) -> OSError | None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def _is_guiado(host: str, port: int) -> bool:
    asked = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        asked.request("GET", "/healthz")
        answer = asked.getresponse()
        return answer.status == _OK and b'"status"' in answer.read(200)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def look_at_knowledge(path: Path, variables: Variables = NO_VARIABLES) -> list[Finding]:
    """Finding on whether the knowledge base can be used.

    Args:
        path: the file in use.
        variables: those that the settings give to its guides.
    """
    try:
        entries = read_file(path, variables)
    except KnowledgeBaseInvalid as error:
        return [
            bad(
                "knowledge_base",
                "{file} no se puede usar. Errores: {count}.\nMira cuáles con guiado kb lint y corrígelos.",
                file=path,
                count=len(error.problems),
            )
        ]
    except GuiadoError as error:
        return [bad("knowledge_base", error)]
    refused = [key for key, guide in entries.guides.items() if defects_of(guide)]
    if refused:
        return [
            doubtful(
                "knowledge_base",
                "{file} se puede usar, y hay guías con fallos: {count} ({named}).\nMira cuáles con guiado kb check y corrígelos.",
                file=path.name,
                count=len(refused),
                named=", ".join(refused[:_NAMED]),
            )
        ]
    if entries.findings.warnings:
        return [
            doubtful(
                "knowledge_base",
                "{file} se puede usar. Guías: {count}. Avisos: {doubts}.\nMira cuáles con guiado kb lint.",
                file=path.name,
                count=len(entries.guides),
                doubts=len(entries.findings.warnings),
            )
        ]
    return [good("knowledge_base", "{file} se puede usar. Guías: {count}.", file=path.name, count=len(entries.guides))]
