"""Access rules: the permission that each route needs, in one table. A route without a row does not start.

Source: contract.md §6, rule 11.
"""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope

from guiado.api import kestra
from guiado.app.access import permissions as may
from guiado.app.access.permissions import is_allowed, require, require_session
from guiado.app.context import Scope
from guiado.errors import KeyRequired

BASE_PATH = "/api/support/troubleshooting"


@dataclass(frozen=True, slots=True)
class Rule:
    """The access rule of a route.

    Args:
        permission: scope that a key needs; None where the route is public.
        by_link: whether a customer's link reaches it too, for its own session.
    """

    permission: str | None
    by_link: bool = False


PUBLIC = Rule(None)
_WITHIN = Rule(may.SESSIONS_WRITE, by_link=True)
_SHOWN = Rule(may.SESSIONS_READ, by_link=True)
_API = {
    "POST /start": Rule(may.SESSIONS_WRITE),
    "POST ": Rule(may.SESSIONS_WRITE),
    "GET ": _SHOWN,
    "GET /{session_id}": _SHOWN,
    "POST /{session_id}/step": _WITHIN,
    "POST /{session_id}/clarify": _WITHIN,
    "POST /{session_id}/reject": _WITHIN,
    "POST /{session_id}/next": Rule(may.SESSIONS_WRITE),
    "POST /{session_id}/feedback": _WITHIN,
    "GET /{session_id}/feedback": _SHOWN,
    "POST /{session_id}/escalate": _WITHIN,
    "POST /{session_id}/resolve": _WITHIN,
    "POST /{session_id}/resume": _WITHIN,
    "POST /{session_id}/correct": Rule(may.LEARNING_WRITE),
    "GET /sessions": Rule(may.SESSIONS_READ),
    "POST /detect": Rule(may.KB_READ),
    "GET /analytics": Rule(may.ANALYTICS_READ),
    "GET /realtime": Rule(may.ANALYTICS_READ),
    "GET /templates": Rule(may.KB_READ),
    "PUT /templates": Rule(may.KB_READ),
    "POST /templates": Rule(may.KB_WRITE),
    "GET /webhooks": Rule(may.WEBHOOKS_WRITE),
    "POST /webhooks": Rule(may.WEBHOOKS_WRITE),
    "GET /webhooks/{webhook_id}": Rule(may.WEBHOOKS_WRITE),
    "PATCH /webhooks/{webhook_id}": Rule(may.WEBHOOKS_WRITE),
    "DELETE /webhooks/{webhook_id}": Rule(may.WEBHOOKS_WRITE),
    "POST /webhooks/{webhook_id}/secret": Rule(may.WEBHOOKS_WRITE),
    "GET /webhooks/{webhook_id}/stats": Rule(may.WEBHOOKS_WRITE),
    "GET /webhooks/{webhook_id}/attempts": Rule(may.WEBHOOKS_WRITE),
    "POST /webhooks/replay": Rule(may.WEBHOOKS_WRITE),
    "POST /webhooks/{webhook_id}/replay": Rule(may.WEBHOOKS_WRITE),
    "POST /webhooks/{webhook_id}/test": Rule(may.WEBHOOKS_WRITE),
    "GET /notifications": Rule(may.NOTIFICATIONS_WRITE),
    "POST /notifications": Rule(may.NOTIFICATIONS_WRITE),
    "POST /notifications/retry": Rule(may.NOTIFICATIONS_WRITE),
    "POST /notifications/{notification_id}/retry": Rule(may.NOTIFICATIONS_WRITE),
    "GET /recipients": Rule(may.NOTIFICATIONS_WRITE),
    "POST /recipients": Rule(may.NOTIFICATIONS_WRITE),
    "DELETE /recipients/{channel}": Rule(may.NOTIFICATIONS_WRITE),
    "POST /customers/export": Rule(may.CUSTOMERS_ADMIN),
    "POST /customers/erase": Rule(may.CUSTOMERS_ADMIN),
    "GET /audit": Rule(may.AUDIT_READ),
    "GET /keys": Rule(may.KEYS_ADMIN),
    "POST /keys": Rule(may.KEYS_ADMIN),
    "POST /keys/{key_id}/rotate": Rule(may.KEYS_ADMIN),
    "DELETE /keys/{key_id}": Rule(may.KEYS_ADMIN),
}
_OTHERS = {
    f"POST {kestra.PATH}": Rule(may.SESSIONS_WRITE),
    "GET /metrics": Rule(may.ANALYTICS_READ),
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /": PUBLIC,
    "GET /schema": PUBLIC,
    "GET /schema/openapi.json": PUBLIC,
    "GET /static/{file_path}": PUBLIC,
    "HEAD /static/{file_path}": PUBLIC,
    "GET /_openapi": PUBLIC,
    "GET /_openapi/openapi.json": PUBLIC,
    "GET /_openapi/{path}": PUBLIC,
}
RULES = {method_and_path.replace(" ", f" {BASE_PATH}", 1): rule for method_and_path, rule in _API.items()} | _OTHERS
"""Method and path template -> access rule."""


def require_rules(app: Litestar) -> None:
    """Check that every route has its row, and every row its route.

    Raises:
        LookupError: names those that have not.
    """
    found = {
        f"{method} {route.path_format}"
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.route_handler_map
        if method != "OPTIONS"
    }
    if found != RULES.keys():
        raise LookupError(f"routes and access rules differ: {sorted(found ^ RULES.keys())}")


def is_public(request: HTTPScope) -> bool:
    """Whether the route that was found for a request is for everybody."""
    return _rule_of(request).permission is None


def _rule_of(request: HTTPScope) -> Rule:
    return RULES[f"{request['method']} {request['path_template']}"]


def check_access(request: HTTPScope, caller: Scope) -> None:
    """Check that a caller may use the route that was found for a request.

    Raises:
        KeyRequired: a key is needed, and the caller has none that is good.
        ScopeMissing: the caller's key may not do this.
        SessionNotFound: the caller's link is for another session.
    """
    rule = _rule_of(request)
    if rule.permission is None:
        return
    if caller.session_id is not None and rule.by_link:
        require_session(caller, _session_id(request))
    elif not caller.caller and not is_allowed(caller, rule.permission):
        raise KeyRequired
    else:
        require(caller, rule.permission)


def _session_id(request: HTTPScope) -> str | None:
    """The session that a request names, in its path or, on the route for that, in its query."""
    return request["path_params"].get("session_id")
