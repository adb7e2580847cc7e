"""Locks between processes that the kernel releases when a process dies, however it dies.

Source: flock(2): a lock belongs to the open file, so two opens in one process count as two holders.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from guiado import clock
from guiado.errors import DatabaseUnavailable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_PAUSE_S = 0.005


def open_private(path: Path, flags: int) -> int:
    """Open a file for this user only, never through a symbolic link and never inherited by a child program.

    Args:
        path: the file; it is created where missing, and then belongs to the owner of its folder.
        flags: flags of `os.open` beside those that this function adds.

    Returns:
        The file descriptor.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0 and os.fstat(descriptor).st_nlink == 1:  # another name of a file elsewhere is not given away
        # Root may work in a user's folder: what it leaves there stays usable by that user.
        folder = path.parent.stat()
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


@contextmanager
def exclusive(path: Path, timeout_s: float) -> Generator[int]:
    """Hold the exclusive lock of a file for the body of a `with`, and yield its descriptor.

    Raises:
        DatabaseUnavailable: another process kept it longer than `timeout_s` seconds.
    """
    require_locks()
    descriptor = open_private(path, os.O_RDWR)
    try:
        _wait_for(descriptor, path, timeout_s)
        yield descriptor
    finally:
        _let_go(descriptor)


class Membership:
    """A shared lock that marks a process as a user; any number of processes may hold it.

    Args:
        path: the lock file.
    """

    def __init__(self, path: Path) -> None:
        require_locks()
        self._process = os.getpid()
        self._descriptor = open_private(path, os.O_RDWR)
        _flock(self._descriptor, exclusive=False)

    @property
    def is_ours(self) -> bool:
        """Whether this process took the lock, instead of inheriting it from its parent by a fork."""
        return self._process == os.getpid()

    @property
    def is_only(self) -> bool:
        """Whether no other process holds the lock. Ask under the lock that guards joining, else the answer is already old."""
        alone = _flock(self._descriptor, exclusive=True)
        _flock(self._descriptor, exclusive=False)  # shared again; a try that failed may have cost us even that
        return alone

    def give_back(self) -> bool:
        """Release the lock.

        Returns:
            True when no other process holds it. Ask under the lock that guards joining, else the answer is already old.
        """
        if not self.is_ours:
            os.close(self._descriptor)  # our copy only: the parent keeps its lock
            return False
        _flock(self._descriptor, exclusive=False, release=True)
        last = _flock(self._descriptor, exclusive=True)
        _let_go(self._descriptor)
        return last


def try_alone(path: Path) -> bool:
    """Whether no process holds this lock at the moment. Ask under the lock that guards joining."""
    descriptor = open_private(path, os.O_RDWR)
    try:
        return _flock(descriptor, exclusive=True)
    finally:
        _let_go(descriptor)


def claim_alone(path: Path) -> int | None:
    """Take this lock for a child that keeps it until its end, and return the descriptor; None when it is held."""
    descriptor = open_private(path, os.O_RDWR)
    if _flock(descriptor, exclusive=True):
        return descriptor
    os.close(descriptor)
    return None


def require_locks() -> None:
    """Raise `DatabaseUnavailable` on a system without flock, with the remedy."""
    if fcntl is None:
        raise DatabaseUnavailable(
            "La base de datos integrada solo funciona en Linux y macOS.\n"
            "Indica una base de datos PostgreSQL en DATABASE_URL (postgresql://usuario:contraseña@servidor:5432/base)."
        )


def _wait_for(descriptor: int, path: Path, timeout_s: float) -> None:
    deadline = clock.monotonic_s() + timeout_s
    while not _flock(descriptor, exclusive=True):
        if clock.monotonic_s() > deadline:
            raise DatabaseUnavailable(
                "Otro proceso lleva más de {timeout_s:.0f} segundos arrancando o deteniendo la base de datos ({path}).\n"
                "Espera a que termine o cierra ese proceso, y vuelve a intentarlo.",
                timeout_s=timeout_s,
                path=path,
            )
        time.sleep(_PAUSE_S)


def _let_go(descriptor: int) -> None:
    # Said aloud, because a forked child may still hold a copy of the descriptor, and with it the lock.
    _flock(descriptor, exclusive=False, release=True)
    os.close(descriptor)


def _flock(descriptor: int, *, exclusive: bool, release: bool = False) -> bool:
    require_locks()
    assert fcntl is not None  # noqa: S101  # said to the type checker: require_locks has raised otherwise
    kind = fcntl.LOCK_UN if release else fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH
    try:
        fcntl.flock(descriptor, kind)
    except BlockingIOError:
        return False
    return True
