"""The secret keys of this installation: from `GUIADO_SECRET_KEY`, or from a file of its own that is made at the first start.

Source: ADR 0031.
"""

from __future__ import annotations

import binascii
import os
import re
import stat
from base64 import b64decode
from contextlib import suppress
from pathlib import Path

from guiado import clock
from guiado.errors import Message, SettingsInvalid, os_reason
from guiado.store.secret_box import KEY_BYTES, SecretBox, SecretKey

FILE_NAME = "secret.key"
_OWNER_ONLY = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LONGEST_BYTES = 64 * 1024
_HEX = re.compile(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}")


def read_keys(given: str | None, home: Path | None, *, makes: bool = True) -> SecretBox:
    """The keys of this installation: those given, or those of the file in its folder, which is made where there is none.

    Args:
        given: value of `GUIADO_SECRET_KEY`: keys by commas, the first one encrypts.
        home: folder of guiado's own data; None where this user has none.
        makes: a file that is missing is made; else there is no key then.

    Raises:
        SettingsInvalid: there is no key, and none can be made; or it is no key; or others can read it.
    """
    if given:
        return SecretBox(_parse(given, "GUIADO_SECRET_KEY"))
    if home is None:
        return SecretBox()
    path = home / FILE_NAME
    text = _read(path)
    if text is None and not makes:
        return SecretBox()
    if text is None:
        _make(path)
        text = _read(path) or ""
    return SecretBox(_parse(text, str(path)))


def new_key() -> str:
    """A new key, as it is written in the setting and in the file."""
    return clock.token(KEY_BYTES)


def _parse(text: str, source: str) -> list[SecretKey]:
    keys = [_key(one, source) for one in re.split(r"[\s,]+", text) if one]
    if not keys:
        raise _no_key(source)
    return keys


def _key(text: str, source: str) -> SecretKey:
    try:
        master = bytes.fromhex(text) if _HEX.fullmatch(text) else b64decode(_padded(text), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _no_key(source) from None
    if len(master) != KEY_BYTES:
        raise _no_key(source)
    return SecretKey(master)


def _padded(text: str) -> str:
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")
    return bare + "=" * (-len(bare) % 4)


def _no_key(source: str) -> SettingsInvalid:
    return SettingsInvalid(
        "{source} no contiene una clave de cifrado: son 32 bytes en base64 o en hexadecimal.\n"
        "Recupera la de tus datos; para una instalación nueva, crea una con: openssl rand -base64 32",
        source=source,
    )


def _read(path: Path) -> str | None:
    """Text of the file; None where there is none.

    Raises:
        SettingsInvalid: it cannot be read, or others can read it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, os_reason(error)) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _unusable(path, Message("no es un archivo"))
        if os.name == "posix" and found.st_mode & _OTHERS:
            raise SettingsInvalid(
                "Otros usuarios pueden leer la clave de cifrado: {path}\nDeja que solo la lea su dueño: chmod 600 {path}",
                path=path,
            )
        return os.read(descriptor, _LONGEST_BYTES).decode("ascii", "replace")
    finally:
        os.close(descriptor)


def _make(path: Path) -> None:
    """Write a new key, whole or not at all: of several processes that start at once, one makes it and all read it.

    A file beside it gets the name only when it is complete and on disk; a name that exists is never given again.
    """
    beside = path.with_name(f".{FILE_NAME}.{clock.token(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(beside, f"{new_key()}\n".encode())
        with suppress(FileExistsError):
            os.link(beside, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise SettingsInvalid(
            "No se puede guardar la clave de cifrado en {path}: {problem}.\n"
            "Deja que guiado escriba en esa carpeta (GUIADO_HOME), o define GUIADO_SECRET_KEY.",
            path=path,
            problem=os_reason(error),
        ) from None
    finally:
        with suppress(OSError):
            beside.unlink()


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, problem: Message) -> SettingsInvalid:
    return SettingsInvalid(
        "No se puede leer la clave de cifrado {path}: {problem}.\n"
        "Recupera ese archivo, o define GUIADO_SECRET_KEY con lo que contenía.",
        path=path,
        problem=problem,
    )
