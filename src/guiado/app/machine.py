"""Checks of the machine for `guiado doctor`: memory, open files, and read permissions of the installed program."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import guiado
from guiado.store.check_result import Finding, doubtful, good

try:
    import resource
except ImportError:  # Windows
    resource = None

_NEED_MB = {True: 512, False: 384}
"""Megabytes that the service needs with the embedded database and without, at its start and under load, rounded up."""
_MEGABYTE = 1_048_576
_NO_LIMIT = 1 << 60
_FEW_FILES = 1024


def look_at_machine(*, is_embedded: bool) -> list[Finding]:
    """All findings about this machine, or this container.

    Args:
        is_embedded: whether PostgreSQL has to run in the same place.
    """
    return [*_memory(_NEED_MB[is_embedded]), *_files(), *_rights()]


def _memory(need_mb: int) -> Iterator[Finding]:
    limit_bytes = memory_limit_bytes()
    if limit_bytes is None:
        return
    limit_mb = limit_bytes // _MEGABYTE
    if limit_mb < need_mb:
        yield doubtful(
            "memory",
            "Este proceso solo puede usar {limit} MB de memoria, y el servicio necesita unos {need} MB.\n"
            "Sube el límite (--memory en un contenedor, MemoryMax en systemd); las cifras están en docs/benchmarks.md.",
            limit=limit_mb,
            need=need_mb,
        )
    else:
        yield good("memory", "Este proceso puede usar {limit} MB de memoria.", limit=limit_mb)


def memory_limit_bytes(root: Path = Path("/")) -> int | None:
    """How much memory the control groups of this process allow; None without a limit.

    Args:
        root: of the file system.
    """
    limits = [limit for path in _limit_files(root) if (limit := _read_limit(path)) is not None]
    return min(limits, default=None)


def _limit_files(root: Path) -> Iterator[Path]:
    """Files with the memory limits of the process's control group and all above it, in both generations of control groups."""
    base, groups = root / "sys/fs/cgroup", ["/"]
    with suppress(OSError):
        groups += [line.split(":", 2)[2] for line in (root / "proc/self/cgroup").read_text("utf-8").splitlines()]
    for group in groups:
        inside = [Path(group.strip().lstrip("/")), *Path(group.strip().lstrip("/")).parents]
        yield from (base / folder / "memory.max" for folder in inside)
        yield from (base / "memory" / folder / "memory.limit_in_bytes" for folder in inside)


def _read_limit(path: Path) -> int | None:
    try:
        limit = int(path.read_text("utf-8"))
    except (OSError, ValueError):  # there is none, or it says "max"
        return None
    return limit if limit < _NO_LIMIT else None


def _files() -> Iterator[Finding]:
    if resource is None:
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= most < _FEW_FILES:
        yield doubtful(
            "files",
            "Este proceso solo puede tener {most} archivos y conexiones abiertos a la vez.\n"
            "Sube el límite: LimitNOFILE=65536 en systemd, o ulimit -n 65536.",
            most=most,
        )


def _rights() -> Iterator[Finding]:
    """Finding about an installed program that a service of another user cannot read; checked as root only."""
    if os.name != "posix" or os.geteuid() != 0:
        return
    for path in (Path(guiado.__file__), Path(sys.prefix) / "pyvenv.cfg"):
        if path.exists() and (closed := _closed(path)):
            yield doubtful(
                "rights_of_files",
                "Un servicio con otro usuario no puede leer guiado: {folder} está cerrada a los demás.\n"
                "Ábrela con chmod -R go+rX {folder}, o repite la instalación con umask 022.",
                folder=closed,
            )
            return


def _closed(path: Path) -> Path | None:
    """The outermost part of a path that other users cannot pass or read; None where they can read it."""
    for part in [*reversed(path.parents), path]:
        needed = stat.S_IXOTH if part.is_dir() else stat.S_IROTH
        if not part.stat().st_mode & needed:
            return part
    return None
