"""Read models of API keys and customer links."""

from __future__ import annotations

from datetime import datetime

from guiado.app.models import Model


class KeyBody(Model):
    """An API key; `key` is shown once, when it is made or rotated."""

    key_id: str
    name: str
    prefix: str
    scopes: list[str]
    status: str
    created_at: datetime
    expires_at: datetime | None = None
    previous_until: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    key: str | None = None

    def __repr__(self) -> str:
        """Leave the secret out: the text may end in a log."""
        return f"KeyBody({self.key_id}, {self.name!r})"


class CustomerLinkBody(Model):
    """A customer link; `url` and `token` are shown once, when it is made."""

    link_id: str
    session_id: str
    status: str
    created_at: datetime
    expires_at: datetime
    opened_at: datetime | None = None
    revoked_at: datetime | None = None
    url: str | None = None
    token: str | None = None

    def __repr__(self) -> str:
        """Leave the token out: the text may end in a log."""
        return f"CustomerLinkBody({self.link_id}, session {self.session_id})"
