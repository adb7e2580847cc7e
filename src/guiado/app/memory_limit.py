"""Looks at how much memory a container or service leaves to this process, for `guiado doctor`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from guiado.domain.finding import Finding, doubtful, good

NEEDED_MB = 384
"""A server and its database at their worst moment, the first start; see `benchmarks/memory.py`."""
_ROOM_MB = 1 << 32  # "no limit" of the older kind of control group is a number larger than this
_BYTES_IN_MB = 1 << 20


def look_at_memory(root: Path = Path("/")) -> list[Finding]:
    """Whether the limit of the control group, where there is one, is enough.

    Args:
        root: of the file system.
    """
    limit_mb = find_limit_mb(root)
    if limit_mb is None:
        return []
    if limit_mb < NEEDED_MB:
        return [
            doubtful(
                "memory",
                "El contenedor o el servicio limita la memoria a {limit} MB; para arrancar hacen falta {needed} MB.\n"
                "Sube el límite: si se pasa, el sistema mata el proceso sin avisar.",
                limit=limit_mb,
                needed=NEEDED_MB,
            )
        ]
    return [good("memory", "El límite de memoria, {limit} MB, alcanza.", limit=limit_mb)]


def find_limit_mb(root: Path) -> int | None:
    """The smallest limit of the control groups that this process is in, in MB; None where there is none."""
    limits = [limit for folder, name in _places(root) if (limit := _read_mb(folder / name)) is not None]
    return min(limits, default=None)


def _places(root: Path) -> list[tuple[Path, str]]:
    """Folders of the group and of those around it, with the name of the file that says the limit; both kinds of groups."""
    found: list[tuple[Path, str]] = []
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text("utf-8").splitlines():
            _, kind, path = line.split(":", 2)
            if kind in {"", "memory"}:
                base = root / "sys/fs/cgroup" / kind
                name = "memory.limit_in_bytes" if kind else "memory.max"
                group = Path(path.lstrip("/"))
                found += [(base / part, name) for part in (group, *group.parents)]
    return found


def _read_mb(path: Path) -> int | None:
    with suppress(OSError, ValueError):  # "max" is no number
        limit_mb = int(path.read_text("utf-8")) // _BYTES_IN_MB
        return limit_mb if 0 < limit_mb < _ROOM_MB else None
    return None
