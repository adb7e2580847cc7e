"""Limit of open files and connections of a serving process: raised at the start, and logged before it is reached.

A process at its limit answers no request and logs nothing: the system takes a connection, and the process cannot.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from guiado.logs import get_logger

try:
    import resource
except ImportError:  # Windows
    resource = None

_POLL_S = 2.0
_NEARLY_ALL = 0.9
_WANTED = 65_536
log = get_logger()


def raise_limit() -> None:
    """Raise the limit of open files to what a busy service needs, as far as the system allows it."""
    if resource is None:
        return
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if most == resource.RLIM_INFINITY else min(_WANTED, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def used_share() -> float:
    """Share of the limit of open files that is in use, 0..1; 0 where the system does not tell."""
    if resource is None:
        return 0.0
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        return len(os.listdir("/proc/self/fd")) / most if most > 0 else 0.0  # noqa: PTH208  # names are enough
    except FileNotFoundError:  # no Linux
        return 0.0
    except OSError:  # to count them takes one more
        return 1.0


async def watch() -> None:
    """Log when the limit of open files is nearly reached and when it no longer is, once each time, until cancelled."""
    was_short = False
    while True:
        await asyncio.sleep(_POLL_S)
        is_short = used_share() > _NEARLY_ALL
        if is_short and not was_short:
            log.error("open_files_used_up", why="casi no quedan archivos ni conexiones por abrir: sube LimitNOFILE o ulimit -n")
        elif was_short and not is_short:
            log.info("open_files_free_again")
        was_short = is_short
