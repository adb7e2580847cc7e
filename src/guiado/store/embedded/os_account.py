"""The user that runs PostgreSQL's programs: this process's own, or an unprivileged one when this process is root.

PostgreSQL refuses to run as root. No user is ever created: an existing one is taken.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guiado.errors import DatabaseUnavailable

# Nothing else is handed down: other processes of a shared account could read our secrets in the server's environment.
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
_USUAL_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged user of the operating system.

    Args:
        name: its login name, or its number in digits when it has none.
        uid: number of the user.
        gid: number of its main group.
    """

    name: str
    uid: int
    gid: int


def is_root() -> bool:
    """Whether this process has the rights of root."""
    return os.geteuid() == 0


def choose_account(data: Path, home: Path) -> Account | None:
    """Choose the user that has to run the server, None for the user of this process.

    Args:
        data: data folder of the cluster; its owner decides when it exists.
        home: guiado's folder; its owner is the second choice, so that `sudo` leaves nothing that the owner cannot use.

    Raises:
        DatabaseUnavailable: this process is root and there is no unprivileged user to take.
    """
    if not is_root():
        return None
    if (data / "PG_VERSION").exists():
        return _owner_of_data(data)
    owner = home.stat().st_uid
    found = (owner and _by_uid(owner)) or next((account for name in _USUAL_ACCOUNTS if (account := _by_name(name))), None)
    if found is None:
        raise DatabaseUnavailable(
            "PostgreSQL no puede ejecutarse como root y este equipo no tiene los usuarios postgres ni nobody.\n"
            "Ejecuta guiado con un usuario normal o indica una base de datos con DATABASE_URL."
        )
    return found


def run_as(
    command: Sequence[str | Path], account: Account | None, text_in: str | None = None, held: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs to its end.

    Args:
        command: absolute path of the program and its arguments.
        account: user to run it as, None for our own.
        text_in: what it reads from its standard input.
        held: descriptors of locks that it holds with us, so that they last until its end even when we are killed.

    Returns:
        Its exit code and its output in English.
    """
    return subprocess.run(  # noqa: S603  # a program found by us, never a shell
        command,
        input=text_in or "",
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        pass_fds=held,
        env=environment(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def can_enter(folder: Path, account: Account | None) -> bool:
    """Whether a user can pass through a folder; tested by trying, because rights are more than mode bits."""
    return run_as(["/bin/sh", "-c", 'test -d "$1" && test -x "$1"', "sh", folder], account).returncode == 0


def environment() -> dict[str, str]:
    """Environment of PostgreSQL's programs: English messages, UTC, and none of the `PG…` variables of the caller."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _owner_of_data(data: Path) -> Account:
    state = data.stat()
    if state.st_uid == 0:
        raise DatabaseUnavailable(
            "La carpeta de datos {data} pertenece a root, y PostgreSQL no puede ejecutarse como root.\n"
            "Entrégala a un usuario normal, por ejemplo: chown -R postgres {data}",
            data=data,
        )
    return _by_uid(state.st_uid) or Account(str(state.st_uid), state.st_uid, state.st_gid)


def _by_name(name: str) -> Account | None:
    import pwd  # missing on Windows, where this module must still load

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _by_uid(uid: int) -> Account | None:
    import pwd

    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
