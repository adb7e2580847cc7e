"""Messages for errors of PostgreSQL, the driver and the system, whose own texts are in English and name classes."""

from __future__ import annotations

import re
import socket
import ssl

import asyncpg

from guiado.errors import DatabaseUnavailable, Message, os_reason

_LIBRARY = re.compile(r"could not load library|incompatible library|could not find function .* in file|could not access file")
_PARAMETER = re.compile(r'unrecognized configuration parameter "(.+)"|unsupported startup parameter: (.+)')
_VALUE = re.compile(r"""(?<=\$\d: ).*|(?<=\$\d\d: ).*|["'].*["']""", re.DOTALL)
"""A value within a message: of a parameter, or in quotes."""
_QUOTES_VALUES = (asyncpg.DataError, asyncpg.InterfaceError)
"""Errors whose own message names the value: bad syntax of a number, a text that is too long, a wrong type."""
_REASONS: tuple[tuple[type[BaseException], Message], ...] = (
    (asyncpg.InvalidPasswordError, Message("el usuario o la contraseña no son correctos")),
    (asyncpg.InvalidAuthorizationSpecificationError, Message("ese usuario no existe o no puede entrar")),
    (asyncpg.InvalidCatalogNameError, Message("esa base de datos no existe en el servidor")),
    (asyncpg.DiskFullError, Message("no queda espacio en su disco")),
    (asyncpg.TooManyConnectionsError, Message("todas sus conexiones están ocupadas")),
    (asyncpg.CannotConnectNowError, Message("está arrancando o deteniéndose")),
    (asyncpg.ReadOnlySQLTransactionError, Message("solo admite lecturas")),
    (
        asyncpg.TargetServerAttributeNotMatched,
        Message("ninguno de sus servidores es del tipo que pide target_session_attrs; quizá todos admiten solo lecturas"),
    ),
    (asyncpg.PostgresConnectionError, Message("se cortó la conexión")),
    (asyncpg.AdminShutdownError, Message("se está deteniendo")),
    (asyncpg.CrashShutdownError, Message("se está recuperando")),
    (TimeoutError, Message("no contesta a tiempo")),
    (socket.gaierror, Message("no se conoce ese servidor")),
    (ssl.SSLError, Message("falla el cifrado de la conexión")),
)
"""Reason for each class of error; the first match counts, so derived classes come before their bases."""


def reason(error: BaseException) -> Message:
    """The reason why a call of the driver failed, as part of a sentence."""
    for kind, why in _REASONS:
        if isinstance(error, kind):
            return why
    if strange := strange_parameter(error):
        return Message("no se conoce el parámetro {name}", {"name": strange})
    if isinstance(error, asyncpg.PostgresError):
        return Message("PostgreSQL dice: {said}", {"said": " ".join(str(error).split())[:200]})
    if isinstance(error, OSError):
        return os_reason(_with_number(error))
    if isinstance(error, ValueError | OverflowError):
        return Message("la dirección está mal escrita; su forma es postgresql://usuario:contraseña@servidor:5432/base")
    return Message("se cortó la conexión")


def hide_values(error: BaseException) -> None:
    """Remove what is stored or sent from an error of the driver: it ends up in logs, and names the row that did not fit.

    The rest stays: the message, the hint, and the names of table, column and constraint.
    """
    seen = set[int]()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        if isinstance(found, asyncpg.PostgresError | asyncpg.InterfaceError):
            vars(found)["detail"] = None
            if isinstance(found, _QUOTES_VALUES) and not isinstance(found, asyncpg.InvalidParameterValueError):
                found.args = (_VALUE.sub("…", str(found.args[0] if found.args else "")),)
        found = found.__cause__ or found.__context__


def is_programs_fault(error: BaseException) -> bool:
    """Whether the server cannot load its libraries because its programs were replaced on the disk."""
    return isinstance(error, asyncpg.PostgresError) and _LIBRARY.search(str(error)) is not None


def strange_parameter(error: BaseException) -> str | None:
    """The address parameter that the server does not know as a setting; None for any other error."""
    found = _PARAMETER.search(str(error)) if isinstance(error, asyncpg.PostgresError) else None
    return (found[1] or found[2])[:60] if found else None


def disk_full() -> DatabaseUnavailable:
    """The error for a database that has no room to write."""
    return DatabaseUnavailable(
        "No queda espacio en el disco de la base de datos.\nLibera espacio: guiado sigue solo en cuanto lo haya."
    )


def _with_number(error: OSError) -> OSError:
    """Restore the error number, which asyncio gives only in the text after several attempts at one host name."""
    found = None if error.errno else re.search(r"\[Errno (\d+)\]", str(error))
    return OSError(int(found[1]), "") if found else error
