"""The request as the HTTP layers see it: made once by the outermost one, kept in the ASGI scope for all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from litestar.types import Scope as AsgiScope

from guiado.app.context import Scope

_KEY = "guiado"


@dataclass(frozen=True, slots=True)
class PublicBase:
    """The address under which callers reach the service; all links begin with it.

    Args:
        scheme: "http" or "https".
        host: with its port, where that is not the scheme's own.
        prefix: path prefix, as "/soporte", or empty.
    """

    scheme: str = "http"
    host: str = "localhost"
    prefix: str = ""

    @classmethod
    def of(cls, url: str) -> PublicBase:
        """Return the base that a URL names."""
        parts = urlsplit(url)
        return cls(parts.scheme, parts.netloc, parts.path.rstrip("/"))

    @property
    def url(self) -> str:
        """The whole base, without a slash at its end."""
        return f"{self.scheme}://{self.host}{self.prefix}"

    @property
    def is_secure(self) -> bool:
        """Whether callers come over TLS: cookies are `Secure` then."""
        return self.scheme == "https"


@dataclass(slots=True)
class Incoming:
    """A request's headers, id, refusals, scope and public base.

    Args:
        headers: by name, in lower case; of one that came twice the last.
        request_id: joins the log lines of the request.
        refusal: the error to answer with, where the request is not let in.
        foreign: Spanish text that says why it is not from this machine, where it is not; it counts while the API is open.
        is_from_here: whether a person at this machine sends it: nobody reaches the service from elsewhere, not even by a proxy.
        failure: the error that kept its caller from being recognised; public routes do without.
        scope: tenant and caller, see `Authentication`.
        base: the address that the caller reached, see `Forwarded`.
    """

    headers: Mapping[bytes, bytes]
    request_id: str = ""
    refusal: Exception | None = None
    foreign: str | None = None
    is_from_here: bool = False
    failure: Exception | None = None
    scope: Scope = field(default_factory=Scope)
    base: PublicBase = field(default_factory=PublicBase)

    def header(self, name: bytes) -> str:
        """Return the value of a header; empty where it is missing."""
        return self.headers.get(name, b"").decode("latin-1")


def incoming(scope: AsgiScope) -> Incoming:
    """Return the `Incoming` of an ASGI scope; the first call makes it."""
    kept = cast("MutableMapping[str, object]", scope)
    known = kept.get(_KEY)
    if isinstance(known, Incoming):
        return known
    made = Incoming(dict(cast("Iterable[tuple[bytes, bytes]]", kept.get("headers") or ())))
    kept[_KEY] = made
    return made
