"""Permissions: the scopes that an API key may have, and the check of a caller's.

Source: contract.md §6, rule 11.
"""

from __future__ import annotations

from guiado.app.context import ALL_SCOPES, Scope
from guiado.errors import ScopeMissing, SessionNotFound
from guiado.store.sessions import uuid_or_none

SESSIONS_READ = "sessions:read"
SESSIONS_WRITE = "sessions:write"
ANALYTICS_READ = "analytics:read"
WEBHOOKS_WRITE = "webhooks:write"
NOTIFICATIONS_WRITE = "notifications:write"
KB_READ = "kb:read"
KB_WRITE = "kb:write"
LEARNING_WRITE = "learning:write"
AUDIT_READ = "audit:read"
CUSTOMERS_ADMIN = "customers:admin"
KEYS_ADMIN = "keys:admin"
START = "sessions:start"
"""Scope of a page of an allowed origin, which may start sessions. No key has it."""
PERMISSIONS = (
    SESSIONS_READ, SESSIONS_WRITE, ANALYTICS_READ, WEBHOOKS_WRITE, NOTIFICATIONS_WRITE, KB_READ, KB_WRITE, LEARNING_WRITE,
    AUDIT_READ, CUSTOMERS_ADMIN, KEYS_ADMIN,
)  # fmt: skip
"""Every scope that a key may have."""
USUAL = tuple(name for name in PERMISSIONS if name != KEYS_ADMIN)
"""Scopes of a key that was made without naming any."""


def is_allowed(scope: Scope, permission: str) -> bool:
    """Whether a caller has a permission."""
    return scope.scopes is ALL_SCOPES or permission in scope.scopes or "*" in scope.scopes


def require(scope: Scope, permission: str) -> None:
    """Check that a caller has a permission.

    Raises:
        ScopeMissing: it has not.
    """
    if not is_allowed(scope, permission):
        raise ScopeMissing(permission)


def require_session(scope: Scope, session_id: str | None) -> None:
    """Check that a caller with a customer's link means the session of that link.

    Raises:
        SessionNotFound: it means another one, which looks to it as if it did not exist.
    """
    if scope.session_id != str(uuid_or_none(session_id)):
        raise SessionNotFound(session_id or "")
