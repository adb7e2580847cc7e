"""URLs of targets, parsed in the one way that every parser agrees on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address

import httpx2

from guiado.errors import FieldProblem, InvalidInput, Message, TargetRefused

_MAX_URL_CHARACTERS = 2048
_MAX_PORT = 65_535
_MAX_NAME_CHARACTERS = 254
_MAX_LABEL_CHARACTERS = 63
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:(?P<login>[^@/?#\\]*)@)?"
    r"(?P<host>\[[0-9a-f:.]+\]|(?:[\w.-]|[^\x00-\x7f])+)"
    r"(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<rest>[/?#][^\\]*)?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed URL.

    Args:
        scheme: `http` or `https`.
        login: what stands before an `@`, still percent-encoded; None without one.
        host: ASCII, lower case, an IPv6 address without its brackets.
        port: from 1 to 65535, the scheme's own where the URL names none.
        path: percent-encoded, with the query.
    """

    scheme: str
    login: str | None = field(repr=False)
    host: str
    port: int
    path: bytes

    @property
    def authority(self) -> str:
        """Value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _default_port(self.scheme) else f"{host}:{self.port}"


def check_url(url: str) -> None:
    """Check the form of a target, without any lookup: a host that does not resolve yet is fine.

    Args:
        url: what a customer or an administrator wrote.

    Raises:
        InvalidInput: not an `http` or `https` URL that every parser reads in the same way; about the field `url`.
    """
    if _parse_target(url).login is not None:
        raise _bad_url("La dirección no puede llevar usuario ni contraseña. Usa una cabecera o un secreto.")


def vet_url(url: str, *, operator: bool) -> Target:
    """Parse a URL that is about to be called; only an operator's may carry a login.

    Raises:
        TargetRefused: its form is not one that guiado calls.
    """
    try:
        if not operator:
            check_url(url)
        return _parse_target(url)
    except InvalidInput as error:
        message = error.problems[0].message
        raise TargetRefused(message.template, **message.params) from None


def _parse_target(url: str) -> Target:
    _check_characters(url)
    parts = _URL.fullmatch(url)
    if parts is None:
        raise _bad_url("La dirección no es válida. Escríbela completa, por ejemplo https://example.com/avisos.")
    scheme = parts["scheme"].lower()
    port = int(parts["port"]) if parts["port"] else _default_port(scheme)
    if not 0 < port <= _MAX_PORT:
        raise _bad_url("El puerto {port} no existe. Usa uno entre 1 y 65535.", port=port)
    path = httpx2.URL("http://host" + (parts["rest"] or "/")).raw_path
    return Target(scheme, parts["login"], _ascii_host(parts["host"]), port, path)


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _check_characters(url: str) -> None:
    if len(url) > _MAX_URL_CHARACTERS:
        raise _bad_url("La dirección es demasiado larga. Usa como mucho 2048 caracteres.")
    if not url.isprintable() or " " in url:
        raise _bad_url("La dirección lleva espacios o caracteres invisibles. Quítalos.")


def _ascii_host(host: str) -> str:
    """Return a host name in ASCII, as DNS has it; numbers in odd spellings are left to the resolver."""
    if host.startswith("["):
        return _ipv6(host.strip("[]").lower())
    try:
        name = host.lower() if host.isascii() else httpx2.URL(f"http://{host}/").raw_host.decode()
    except httpx2.InvalidURL:
        name = ""
    labels = name.removesuffix(".").split(".")
    if len(name) > _MAX_NAME_CHARACTERS or not all(0 < len(label) <= _MAX_LABEL_CHARACTERS for label in labels):
        raise _bad_url("«{host}» no es un nombre de servidor válido. Revísalo.", host=host[:80])
    return name


def _ipv6(host: str) -> str:
    try:
        IPv6Address(host)
    except ValueError:
        raise _bad_url("«{host}» no es un nombre de servidor válido. Revísalo.", host=host[:80]) from None
    return host


def _bad_url(template: str, /, **params: object) -> InvalidInput:
    return InvalidInput([FieldProblem("url", Message(template, params))])
