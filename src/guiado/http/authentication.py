"""Authentication of requests: the ASGI layer that makes each request's scope.

It stands above the fast path of `POST /step`, which the framework's guards never see. As long as there are no keys, the loopback
guard decides who may come in, and every caller has the installation's tenant and may do everything.
"""

from __future__ import annotations

from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as AsgiScope

from guiado.app.context import Scope
from guiado.http.incoming import Incoming, incoming
from guiado.i18n import negotiate


class Authentication:
    """ASGI layer that gives each request its scope.

    Args:
        app: the application.
        tenant: the installation's tenant.
    """

    def __init__(self, app: ASGIApp, tenant: str) -> None:
        self._app, self._tenant = app, tenant

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            request = incoming(scope)
            request.scope = self.scope_of(request)
        await self._app(scope, receive, send)

    def scope_of(self, request: Incoming) -> Scope:
        """Return the tenant, id and language of a request as its scope."""
        language = negotiate(request.header(b"accept-language"))
        return Scope(tenant=self._tenant, request_id=request.request_id or None, language=language)
