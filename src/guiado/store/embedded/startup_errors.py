"""Causes and remedies of a failed start, read from the output of PostgreSQL's programs."""

from __future__ import annotations

import re
from pathlib import Path

from guiado.errors import DatabaseUnavailable

_PREFIX = re.compile(r"^(?:\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] )?(?:\S+: )?(PANIC|FATAL|ERROR|error|LOG|WARNING):\s+")
_GRAVE = ("PANIC", "FATAL", "ERROR", "error")
_LONGEST_CHARS = 300
# Progress is no cause: initdb says "selecting dynamic shared memory implementation ... posix" each time. Nor is advice.
_NO_FAULT = re.compile(r" \.\.\. ?\S*$|^(?:\S+ )*HINT:")
# Part of what is said -> cause and remedy. Shared memory comes first: PostgreSQL, too, calls its lack "no space left".
_CAUSES: tuple[tuple[str, str], ...] = (
    (
        "could not look up effective user ID",
        (
            "El usuario con el que corre guiado no tiene nombre en este sistema, y PostgreSQL lo exige ({said}).\n"
            "Créalo (useradd --uid NÚMERO guiado; en un contenedor, en su imagen) o indica una base de datos con DATABASE_URL."
        ),
    ),
    (
        "could not (?!.*pre-existing).*(shared memory|semaphores)|Cannot allocate memory",
        (
            "PostgreSQL no arranca con los datos de {data}: el sistema no le da la memoria compartida que pide.\n"
            "Baja shared_buffers en {data}/postgresql.conf o sube los límites del sistema; en un contenedor, da más a /dev/shm."
        ),
    ),
    (
        "error while loading shared libraries|Library not loaded|GLIBC",
        (
            "PostgreSQL no arranca: a sus programas les faltan bibliotecas del sistema ({said}).\n"
            "Vuelve a instalar PostgreSQL, o indica con PG_BIN la carpeta de uno que funcione."
        ),
    ),
    (
        "could not create (any )?(TCP/IP|Unix-domain) socket|could not bind",
        (
            "PostgreSQL no arranca: no puede abrir la dirección en la que atiende ({said}).\n"
            "Cierra el programa que la usa, o indica otra carpeta con GUIADO_HOME."
        ),
    ),
    (
        "pre-existing shared memory block|lock file .* already exists",
        (
            "Otro PostgreSQL usa ya los datos de {data}.\n"
            "Detenlo (postmaster.pid tiene su número de proceso) y vuelve a intentarlo."
        ),
    ),
    (
        "wrong ownership|invalid permissions",
        (
            "PostgreSQL no arranca: la carpeta {data} no es de su usuario, o la pueden abrir otros.\n"
            "Entrégasela a un solo usuario (chown -R) y ciérrala a los demás (chmod 700), o indica otra con GUIADO_HOME."
        ),
    ),
    (
        "incompatible with server|incompatible with operating system",
        (
            "Los datos de {data} son de una versión de PostgreSQL que estos programas no pueden leer.\n"
            "Indica con PG_BIN la carpeta de la versión que los creó, u otra carpeta de datos con GUIADO_HOME."
        ),
    ),
    (
        "contains errors|syntax error in file|unrecognized configuration parameter|invalid value for parameter",
        (
            "PostgreSQL no arranca: su configuración tiene un error ({said}).\n"
            "Corrígelo en {data}/postgresql.conf o postgresql.auto.conf (registro completo: {log})."
        ),
    ),
    (
        "checkpoint record|could not read file|invalid page|is damaged|is corrupt|PANIC:(?!.*No space left)",
        (
            "Los datos de {data} están dañados: {said}.\n"
            "Recupera la última copia de seguridad, o guarda la carpeta aparte y empieza con otra en GUIADO_HOME."
        ),
    ),
    (
        "Permission denied|Read-only file system",
        "PostgreSQL no puede leer o escribir en sus datos: {said}.\nDale a su usuario permiso en {data} (su registro: {log}).",
    ),
)


def known_cause(said: str, data: Path, log: Path) -> DatabaseUnavailable | None:
    """The error for a failure whose cause and remedy are known, else None.

    Args:
        said: the last lines of the program's output, in English.
        data: data folder of the cluster.
        log: file of the complete output.
    """
    for signs, template in _CAUSES:
        if line := next((line for line in said.splitlines() if not _NO_FAULT.search(line) and re.search(signs, line)), None):
            return DatabaseUnavailable(template, data=data, log=log, said=_bare(line))
    return None


def is_disk_full(said: str) -> bool:
    """Whether the program failed because the disk is full."""
    return re.search(r"No space left on device|Disk quota exceeded", said) is not None


def main_line(said: str) -> str:
    """The line of the output that names the fault, without time and process number; else the last line."""
    lines = said.strip().splitlines()
    grave = [line for line in lines if (found := _PREFIX.match(line)) and found[1] in _GRAVE]
    # The first grave line is the cause; what comes after it is its consequence.
    chosen = grave[0] if grave else (lines[-1] if lines else "")
    return _bare(chosen)


def _bare(line: str) -> str:
    return _PREFIX.sub("", line).strip().rstrip(".")[:_LONGEST_CHARS]
