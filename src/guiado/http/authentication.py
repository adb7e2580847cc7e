"""Authentication of requests: the ASGI layer that makes each request's scope.

It stands above the fast path of `POST /step`, which the framework's guards never see. As long as there are no keys, the loopback
guard decides who may come in, and every caller has the installation's tenant and may do everything.
"""

from __future__ import annotations

from typing import Any, cast

from litestar.types import ASGIApp, Receive, Scope, Send

from guiado.app import context
from guiado.i18n import negotiate

_SCOPE = "guiado_scope"


class Authentication:
    """An ASGI layer around the application.

    Args:
        app: the application.
        tenant: the installation's tenant.
    """

    def __init__(self, app: ASGIApp, tenant: str) -> None:
        self._app, self._tenant = app, tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            cast("dict[str, Any]", scope)[_SCOPE] = self._scope(cast("dict[str, Any]", scope))
        await self._app(scope, receive, send)

    def _scope(self, scope: dict[str, Any]) -> context.Scope:
        headers: dict[bytes, bytes] = scope.get("guiado_headers") or dict(scope["headers"])
        return context.Scope(
            tenant=self._tenant,
            request_id=scope.get("guiado_request_id"),
            language=negotiate(headers.get(b"accept-language", b"").decode("latin-1")),
        )


def authenticated(scope: Any) -> context.Scope:  # noqa: ANN401 an ASGI scope is a dictionary of anything
    """The scope of a request that came through the layer; without it, that of nobody in particular."""
    return scope.get(_SCOPE) or context.Scope()
