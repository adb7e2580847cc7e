"""What use cases work with, and who calls them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from guiado.detection.verdict import DEFAULT_ACCEPT
from guiado.domain.guide import Guide
from guiado.domain.policy import AUTHOR_ORDER, Policy
from guiado.store import guides
from guiado.store.database import Connection, Database
from guiado.store.sessions import Audit

if TYPE_CHECKING:
    from guiado.language_model import LanguageModel

_CACHED_GUIDES = 2_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, through which door.

    Args:
        actor: customer, agent, machine, or the name of a key.
        channel: api, facade, terminal, kestra…
        request_id: joins log lines and audit rows of one request.
        language: the language that the caller asked for, if any.
    """

    actor: str = "customer"
    channel: str = "api"
    request_id: str | None = None
    language: str | None = None

    def audit(self, action: str, **detail: object) -> Audit:
        """An audit note of this caller doing `action`."""
        return Audit(self.actor, action, self.request_id, detail)


@dataclass(slots=True)
class AppContext:
    """The running parts of one process.

    Args:
        db: connections.
        tenant: whose data.
        threshold: below this confidence, 0..1, it is none of the known problems.
        accept_from: from this confidence on, 0..1, a problem is taken without asking.
        policy: chooses the step that comes next, in every session of this process.
        model: the language model that the service may use, if any.
        has_slack: messages for Slack need no address of their own: the operator's is set up.
        wrote: called after something was committed: whoever sends need not wait for its next look.
    """

    db: Database
    tenant: str
    threshold: float
    accept_from: float = DEFAULT_ACCEPT
    policy: Policy = AUTHOR_ORDER
    model: LanguageModel | None = None
    has_slack: bool = True
    wrote: Callable[[], None] = lambda: None
    _versions: dict[str, Guide] = field(default_factory=dict[str, Guide])

    async def guide_version(self, connection: Connection, version_id: str | None) -> Guide | None:
        """The guide of a version; versions never change, so that each is read once."""
        if version_id is None:
            return None
        if version_id not in self._versions:
            guide = await guides.load(connection, self.tenant, version_id)
            if guide is None:
                return None
            if len(self._versions) >= _CACHED_GUIDES:
                self._versions.clear()
            self._versions[version_id] = guide
        return self._versions[version_id]
