"""Checks of the embedded database for `guiado doctor`: folder, programs, server, locks, log. Changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from guiado.errors import GuiadoError, os_reason
from guiado.store.check_result import Finding, bad, doubtful, good
from guiado.store.embedded import cluster, postmaster, programs
from guiado.store.embedded.binaries import choose_binaries
from guiado.store.embedded.cluster_paths import find_folder
from guiado.store.embedded.locks import try_alone
from guiado.store.embedded.supervisor import absolute_home

_LEAST_ROOM_BYTES = 200_000_000
_LITTLE_ROOM_BYTES = 1_000_000_000
_LONG_LOG_BYTES = 50_000_000


def look_at_home(home: Path, pg_bin: Path | None) -> list[Finding]:
    """All findings about the embedded database of a home.

    Args:
        home: guiado's folder, whether it exists or not.
        pg_bin: folder of PostgreSQL's programs (PG_BIN), None to look for them.
    """
    try:
        place = absolute_home(home)
    except GuiadoError as error:
        return [bad("home", error)]
    looks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("home", lambda: _home(place)),
        ("disk", lambda: _disk(place)),
        ("programs", lambda: _programs(place, pg_bin)),
        ("server", lambda: _server(place)),
        ("locks", lambda: _locks(place)),
        ("log", lambda: _log(place)),
    )
    return [finding for name, look in looks for finding in _attempt(name, look)]


def _attempt(name: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """Run one check; its failure is a finding too and does not stop the others."""
    try:
        return list(look())
    except GuiadoError as error:
        return [bad(name, error)]
    except OSError as error:
        return [
            bad(
                name,
                "No puedo usar {path} para la base de datos: {reason}.\n"
                "Da permiso de escritura a tu usuario o indica otra carpeta con GUIADO_HOME.",
                path=error.filename or "?",
                reason=os_reason(error),
            )
        ]


def _home(home: Path) -> Iterator[Finding]:
    if not home.exists():
        nearest = _existing(home)
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            yield bad(
                "home",
                "La carpeta {home} no existe y no puedes crearla.\nCréala con permiso para tu usuario, o indica otra.",
                home=home,
            )
        else:
            yield good("home", "La carpeta {home} se creará en el primer arranque.", home=home)
    elif not (home.is_dir() and os.access(home, os.R_OK | os.W_OK | os.X_OK)):
        yield bad(
            "home",
            "{home} no es una carpeta en la que tu usuario pueda escribir.\nDale permiso, o indica otra con GUIADO_HOME.",
            home=home,
        )
    else:
        yield good("home", "La carpeta {home} se puede usar.", home=home)


def _disk(home: Path) -> Iterator[Finding]:
    folder = find_folder(home) if home.exists() else home
    free = shutil.disk_usage(_existing(folder)).free
    megabytes = free // 1_000_000
    if free < _LEAST_ROOM_BYTES:
        yield bad(
            "disk",
            "Quedan {megabytes} MB en el disco de {folder}.\nLibera espacio ya: sin él, guiado deja de aceptar respuestas.",
            megabytes=megabytes,
            folder=folder,
        )
    elif free < _LITTLE_ROOM_BYTES:
        yield doubtful(
            "disk", "Quedan {megabytes} MB en el disco de {folder}.\nLibera espacio pronto.", megabytes=megabytes, folder=folder
        )
    else:
        yield good("disk", "Quedan {megabytes} MB libres en el disco.", megabytes=megabytes)


def _programs(home: Path, pg_bin: Path | None) -> Iterator[Finding]:
    major = cluster.read_major(find_folder(home) / "data")
    found = choose_binaries(pg_bin, major)
    yield good("programs", "Programas de PostgreSQL {version} en {folder}.", version=found.version, folder=found.folder)
    if major is None:
        yield good("data", "Todavía no hay datos: se crean en el primer arranque.")
    else:
        yield good("data", "Datos de PostgreSQL {major} en {folder}.", major=major, folder=find_folder(home))


def _server(home: Path) -> Iterator[Finding]:
    data = find_folder(home) / "data"
    server = postmaster.running_server(data)
    if server and programs.were_replaced(data):
        yield bad("server", programs.replaced_error())
    elif server:
        yield good("server", "La base de datos integrada está en marcha (proceso {pid}).", pid=server.pid)
    elif postmaster.is_alive(data):
        yield doubtful(
            "server", ("La base de datos integrada está arrancando o deteniéndose.\nEspera unos segundos y repite guiado doctor.")
        )
    elif postmaster.read_server(data):
        yield doubtful(
            "server",
            (
                "La base de datos integrada se cerró de golpe la última vez.\n"
                "No hagas nada: se recupera sola en el siguiente arranque."
            ),
        )
    else:
        yield good("server", "La base de datos integrada está detenida; arranca cuando hace falta.")


def _locks(home: Path) -> Iterator[Finding]:
    lock = home / "start.lock"
    if lock.exists() and not try_alone(lock):
        yield doubtful(
            "locks",
            (
                "Otro proceso está arrancando o deteniendo la base de datos ({lock}).\n"
                "Espera a que termine; si no termina, ciérralo."
            ),
            lock=lock,
        )
    else:
        yield good("locks", "No hay bloqueos pendientes.")


def _log(home: Path) -> Iterator[Finding]:
    log = find_folder(home) / "postgres.log"
    megabytes = log.stat().st_size // 1_000_000 if log.exists() else 0
    if megabytes * 1_000_000 > _LONG_LOG_BYTES:
        yield doubtful(
            "log", "El registro {log} ocupa {megabytes} MB.\nMira qué se repite en él y bórralo.", log=log, megabytes=megabytes
        )
    else:
        yield good("log", "El registro de PostgreSQL ocupa {megabytes} MB.", megabytes=megabytes)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
