"""Access rules: the permission that each route needs, in one table. A route without a row does not start.

Source: contract.md §6, rule 11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope

from guiado.api import kestra
from guiado.app.access import permissions as may
from guiado.app.access.permissions import is_allowed, require, require_session
from guiado.app.context import Scope
from guiado.errors import KeyRequired, LinkNotEnough
from guiado.http.incoming import incoming

BASE_PATH = "/api/support/troubleshooting"


@dataclass(frozen=True, slots=True)
class Rule:
    """The access rule of a route.

    Args:
        permission: scope that a key needs; None where the route is public.
        by_link: whether a customer's link reaches it too, for its own session.
        by_origin: whether pages of allowed origins reach it without a key, where the public start is on.
        by_machine: whether whoever is at the service's own machine reaches it without a key.
    """

    permission: str | None
    by_link: bool = False
    by_origin: bool = False
    by_machine: bool = False


PUBLIC = Rule(None)
_WITHIN = Rule(may.SESSIONS_WRITE, by_link=True)
_SHOWN = Rule(may.SESSIONS_READ, by_link=True)
_API = {
    "POST /start": Rule(may.SESSIONS_WRITE, by_origin=True),
    "POST ": Rule(may.SESSIONS_WRITE, by_origin=True),
    "GET ": _SHOWN,
    "GET /{session_id}": _SHOWN,
    "POST /{session_id}/step": _WITHIN,
    "POST /{session_id}/undo": _WITHIN,
    "POST /{session_id}/clarify": _WITHIN,
    "POST /{session_id}/reject": _WITHIN,
    "POST /{session_id}/next": Rule(may.SESSIONS_WRITE),
    "POST /{session_id}/feedback": _WITHIN,
    "GET /{session_id}/feedback": _SHOWN,
    "POST /{session_id}/escalate": _WITHIN,
    "POST /{session_id}/resolve": _WITHIN,
    "POST /{session_id}/resume": _WITHIN,
    "PUT /{session_id}/contact": _WITHIN,
    "PUT /{session_id}/variant": _WITHIN,
    "POST /{session_id}/guide-question": _WITHIN,
    "POST /{session_id}/links": Rule(may.SESSIONS_WRITE),
    "GET /{session_id}/links": Rule(may.SESSIONS_READ),
    "DELETE /{session_id}/links/{link_id}": Rule(may.SESSIONS_WRITE),
    "POST /{session_id}/attachments": _WITHIN,
    "GET /{session_id}/attachments": _SHOWN,
    "GET /{session_id}/attachments/{attachment_id}": _SHOWN,
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
    "GET /guidance/{problem_id}": Rule(may.KB_READ),
    "PUT /guidance/{problem_id}": Rule(may.KB_WRITE),
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
    "GET /estado": Rule(may.SESSIONS_READ, by_machine=True),
    # The token in the path is the credential of these pages.
    "GET /ayuda": PUBLIC,
    "POST /ayuda": PUBLIC,
    "GET /ayuda/componentes": PUBLIC,
    "GET /ayuda/{token}": PUBLIC,
    "POST /ayuda/{token}": PUBLIC,
    "POST /ayuda/{token}/{place}": PUBLIC,
    "GET /ayuda/{token}/{place}": PUBLIC,
    "GET /ayuda/{token}/paso/{number}": PUBLIC,
    "POST /ayuda/{token}/imagen": PUBLIC,
    "GET /ayuda/{token}/imagen/{picture_id}": PUBLIC,
    "GET /problemas": PUBLIC,
    "HEAD /problemas": PUBLIC,
    "GET /problemas/{problem_id}": PUBLIC,
    "HEAD /problemas/{problem_id}": PUBLIC,
    "GET /sitemap.xml": PUBLIC,
    "HEAD /sitemap.xml": PUBLIC,
    "GET /robots.txt": PUBLIC,
    "HEAD /robots.txt": PUBLIC,
    "GET /schema": PUBLIC,
    "GET /schema/openapi.json": PUBLIC,
    "GET /static/{name}": PUBLIC,
    "GET /media/{name}": PUBLIC,
    "HEAD /media/{name}": PUBLIC,
    "GET /widget.js": PUBLIC,
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
    """Whether the route that was found for a request is for everybody who sends such a request."""
    rule = _rule_of(request)
    return rule.permission is None or (rule.by_machine and incoming(request).is_from_here)


def _rule_of(request: HTTPScope) -> Rule:
    return RULES[f"{request['method']} {request['path_template']}"]


def check_access(request: HTTPScope, caller: Scope) -> None:
    """Check that a caller may use the route that was found for a request.

    Raises:
        KeyRequired: a key is needed, and the caller has none that is good.
        ScopeMissing: the caller's key may not do this.
        LinkNotEnough: the caller has a customer's link, and the route is not for customers.
        SessionNotFound: the caller's link is for another session.
    """
    rule = _rule_of(request)
    if rule.permission is None or is_public(request):
        return
    if caller.session_id is not None:
        if not rule.by_link:
            raise LinkNotEnough
        require_session(caller, _session_id(request))
    elif rule.by_origin and may.START in caller.scopes:
        return
    elif not caller.caller and not is_allowed(caller, rule.permission):
        raise KeyRequired
    else:
        require(caller, rule.permission)


def _session_id(request: HTTPScope) -> str | None:
    """The session that a request names, in its path or, on the route for that, in its query."""
    named = parse_qsl(request["query_string"].decode("latin-1"), errors="replace")
    return request["path_params"].get("session_id") or next((value for name, value in named if name == "session_id"), None)


@lru_cache(maxsize=1)
def _cross_origin() -> tuple[tuple[re.Pattern[str], str], ...]:
    open_to_origins = [key.split(" ", 1) for key, rule in RULES.items() if rule.by_link or rule.by_origin]
    return tuple((re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "/?"), method) for method, path in open_to_origins)


def cross_origin_methods(path: str) -> frozenset[str]:
    """The methods of a path that pages of allowed origins may use; none for most paths."""
    if not path.startswith(BASE_PATH):
        return frozenset()
    # `/start` and `/sessions` have the form of a session's path too.
    found = {(pattern.pattern, method) for pattern, method in _cross_origin() if pattern.fullmatch(path)}
    return frozenset(method for pattern, method in found if "[^/]" not in pattern or not _is_fixed(path))


def _is_fixed(path: str) -> bool:
    return any(key.split(" ", 1)[1] == path.rstrip("/") for key in RULES)
