"""Location of a home's cluster, decided once and remembered.

Normally `home/postgres`. When root must lend the server to an unprivileged user that cannot enter the home, the cluster
lives in `/var/lib/guiado/<hash of the home>` and `home/postgres.path` says so; that file is read first ever after.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from guiado.errors import DatabaseUnavailable
from guiado.store.embedded.binaries import SHARED_FOLDER, make_public
from guiado.store.embedded.locks import open_private
from guiado.store.embedded.os_account import Account, can_enter, choose_account, is_root

SOCKET_NAME = ".s.PGSQL.5432"
# The kernel takes 104 bytes (macOS) or 108 (Linux) for the path of a socket.
_LONGEST_SOCKET_BYTES = 100


@dataclass(frozen=True, slots=True)
class ClusterPaths:
    """Paths of one cluster, and the user that runs it.

    Args:
        folder: holds the data folder, the socket folder, the log and the password.
        account: user of the server, None for the user of this process.
    """

    folder: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """File of the server's standard error."""
        return self.folder / "postgres.log"

    @property
    def password(self) -> Path:
        """File with the password of the role `guiado`, for TCP."""
        return self.folder / "password"

    @property
    def port(self) -> Path:
        """File with the last TCP port, so that addresses stay valid over a restart."""
        return self.folder / "port"


def prepare_home(home: Path) -> None:
    """Create guiado's folder, closed to other users; an existing one keeps its rights."""
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)


def find_folder(home: Path) -> Path:
    """Folder of the home's cluster as decided earlier, else the usual one. Changes nothing."""
    try:
        folder = Path((home / "postgres.path").read_text("utf-8").strip())
    except FileNotFoundError:
        return home / "postgres"
    if is_root() and folder.parent != SHARED_FOLDER:  # a user's file must not lead root elsewhere
        raise _bad_pointer(home, folder)
    return folder


def place(home: Path) -> ClusterPaths:
    """Choose the folder of the home's cluster, create it, and remember the choice.

    Args:
        home: existing folder of guiado. The caller holds the home's start lock.

    Raises:
        DatabaseUnavailable: the remembered folder is gone, or the server's user cannot enter it.
    """
    folder = find_folder(home)
    account = choose_account(folder / "data", home)
    if folder.parent == home and not folder.exists() and not can_enter(home, account):
        folder = _place_outside(home)
    elif folder.parent != home and not folder.is_dir():
        raise _bad_pointer(home, folder)
    site = ClusterPaths(folder, account)
    _prepare(site, home)
    return site


def socket_folder(site: ClusterPaths) -> Path:
    """Folder of the server's socket: beside the data, or in the temporary folder when that path does not fit."""
    folder = site.folder / "run"
    if len(os.fsencode(folder / SOCKET_NAME)) > _LONGEST_SOCKET_BYTES or set(',"') & set(str(folder)):
        return _temporary_folder() / f"guiado-{_short_hash(site.folder)}"
    return folder


def prepare_socket_folder(site: ClusterPaths) -> Path:
    """Create the socket folder, open to the server's user and root only, and return it.

    Raises:
        DatabaseUnavailable: another user owns a folder of that name in the temporary folder.
    """
    folder = socket_folder(site)
    folder.mkdir(mode=0o700, exist_ok=True)
    _hand_over(folder, site.account)
    return folder


def make_private(folder: Path, account: Account | None) -> None:
    """Create a folder for the server's user alone."""
    folder.mkdir(mode=0o700)
    _hand_over(folder, account)


def make_passage(site: ClusterPaths) -> None:
    """Create the folder of a temporary cluster, which the server's user can pass through."""
    site.folder.mkdir(mode=0o700)
    if is_root():
        owner = site.folder.parent.stat()
        os.chown(site.folder, owner.st_uid, owner.st_gid)
    _let_through(site)


def _let_through(site: ClusterPaths) -> None:
    if site.account and site.folder.stat().st_uid != site.account.uid:
        # Passage only: root keeps the log and the password, so the server's user cannot turn them into links.
        site.folder.chmod(0o711)


def _place_outside(home: Path) -> Path:
    make_public(SHARED_FOLDER)
    name = _short_hash(home)
    # A name with data belonged to an earlier home at the same path: a new home starts empty, the old data stays.
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    folder = next(path for one in names if not ((path := SHARED_FOLDER / one) / "data").exists())
    folder.mkdir(mode=0o711, exist_ok=True)
    _write(home / "postgres.path", f"{folder}\n")
    return folder


def _prepare(site: ClusterPaths, home: Path) -> None:
    if not site.folder.exists():
        site.folder.mkdir(mode=0o700)
        owner = home.stat()
        if is_root():
            os.chown(site.folder, owner.st_uid, owner.st_gid)
    _let_through(site)
    if site.account and not can_enter(site.folder, site.account):
        raise DatabaseUnavailable(
            "El usuario {name}, que ejecuta PostgreSQL, no puede entrar en {folder}.\n"
            "Permíteselo en todas las carpetas de esa ruta (chmod o+x) o indica otra con GUIADO_HOME.",
            name=site.account.name,
            folder=site.folder,
        )


def _hand_over(folder: Path, account: Account | None) -> None:
    owner = account.uid if account else os.geteuid()
    state = folder.lstat()
    if is_root() and account and state.st_uid == 0 and not folder.is_symlink():
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    elif state.st_uid != owner or folder.is_symlink():
        raise DatabaseUnavailable(
            "La carpeta {folder} pertenece a otro usuario, así que no sirve para el socket de PostgreSQL.\n"
            "Bórrala o indica con GUIADO_HOME una carpeta de ruta más corta.",
            folder=folder,
        )
    if state.st_mode & 0o077:
        folder.chmod(0o700)


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    with open(open_private(fresh, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:  # noqa: PTH123  # a descriptor
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _temporary_folder() -> Path:
    # Not TMPDIR: it differs from one terminal to the next, and the address must not.
    # What is made there is a folder that only its owner can enter.
    folders = Path("/tmp"), Path("/var/tmp")  # noqa: S108  # nosec B108
    return next((path for path in folders if path.is_dir()), Path(tempfile.gettempdir()))


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _bad_pointer(home: Path, folder: Path) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "Los datos de {home} estaban en {folder} y esa carpeta ya no existe o no es de guiado.\n"
        "Recupérala de una copia de seguridad o, para empezar de cero, borra {home}/postgres.path.",
        home=home,
        folder=folder,
    )
