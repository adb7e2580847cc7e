"""Authentication of requests: the ASGI layer that makes each request's scope.

It stands above the fast path of `POST /step`, which the framework's guards never see. A caller with a good key gets the tenant
and the permissions of the key, one with a customer link reaches its session only. As long as there are no keys, every caller
from this machine may do everything. Once there are, a caller without a good one may do what is public only, and a page of an
allowed origin may start sessions. Which route needs what is said in `api/access_rules.py`.

Source: contract.md §6, rule 11; ADR 0034.
"""

from __future__ import annotations

from collections.abc import Container

from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as AsgiScope

from guiado.app.access.customer_links import scope_of_link
from guiado.app.access.key_format import LINK_PREFIX
from guiado.app.access.keyring import Keyring
from guiado.app.access.link_register import LinkRegister
from guiado.app.access.permissions import START
from guiado.app.context import ALL_SCOPES, Scope
from guiado.errors import GuiadoError
from guiado.http.incoming import Incoming, incoming
from guiado.http.request import Refused
from guiado.i18n import negotiate

_SCHEME = "bearer "
_NOTHING: frozenset[str] = frozenset()
_STARTING = frozenset((START,))


class Authentication:
    """ASGI layer that gives each request its scope.

    Args:
        app: the application.
        tenant: the installation's tenant.
        keyring: knows the keys.
        links: knows the customer links; without it none is taken.
        origins: whose pages may start sessions without a key.
    """

    def __init__(
        self, app: ASGIApp, tenant: str, keyring: Keyring, links: LinkRegister | None = None, origins: Container[str] = ()
    ) -> None:
        self._app, self._tenant, self._keyring = app, tenant, keyring
        self._links, self._origins = links, origins

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            request = incoming(scope)
            try:
                request.scope = await self._scope_of(request)
            except GuiadoError as error:  # what is public is answered without the database too
                request.scope, request.failure = self._scope(request, scopes=_NOTHING), error
        await self._app(scope, receive, send)

    async def _scope_of(self, request: Incoming) -> Scope:
        is_open, secret = await self._keyring.is_open(), _bearer(request)
        # Where the API is thought to be open, a good key shows that it is not any more.
        key = await self._keyring.find(secret)
        is_open = is_open and key is None
        if is_open and request.foreign and request.refusal is None:
            request.refusal = Refused(403, request.foreign)
        if secret.startswith(LINK_PREFIX):
            link = await self._links.find(secret) if self._links else None
            asked = self._scope(request)
            return scope_of_link(link, asked) if link else asked
        is_public = request.header(b"origin") in self._origins
        if is_open:
            return self._scope(request, scopes=_STARTING if is_public else ALL_SCOPES)
        if key is None:
            return self._scope(request, scopes=_STARTING if is_public and not secret else _NOTHING)
        return self._scope(request, key.tenant_id, frozenset(key.scopes), f"key:{key.key_id}")

    def _scope(self, request: Incoming, tenant: str | None = None, scopes: frozenset[str] = _NOTHING, caller: str = "") -> Scope:
        language = negotiate(request.header(b"accept-language"))
        return Scope(
            tenant=tenant or self._tenant,
            request_id=request.request_id or None,
            language=language,
            scopes=scopes,
            caller=caller,
        )


def _bearer(request: Incoming) -> str:
    """The secret in the `Authorization` header; empty where there is none."""
    given = request.header(b"authorization")
    return given[len(_SCHEME) :].strip() if given[: len(_SCHEME)].lower() == _SCHEME else ""
