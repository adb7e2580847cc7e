"""Context of a use case: the running parts of the process, the caller's scope and a connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from guiado.detection.verdict import DEFAULT_ACCEPT
from guiado.domain.guide import Guide
from guiado.domain.policy import AUTHOR_ORDER, Policy
from guiado.guidance.facts import Costs
from guiado.store import guides
from guiado.store.database import Connection, Database
from guiado.store.log_rows import Audit

if TYPE_CHECKING:
    from guiado.language_model import LanguageModel

_CACHED_GUIDES = 2_000
DEFAULT_TENANT = "default"
"""The tenant of an installation that has one."""


ALL_SCOPES: frozenset[str] = frozenset(("*",))
"""Scopes of a caller that no key limits: all of them."""
PUBLIC_CALLER = "public"
"""Caller of a session that began on a public page, where nobody vouches for the address."""
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """Tenant and caller of one request, made by its door and passed on to the store.

    Args:
        tenant: whose rows are read and written.
        actor: the part that the caller plays: customer, agent, machine, operator.
        channel: api, facade, terminal, kestra…
        request_id: joins log lines and audit rows of one request.
        language: the language that the caller asked for, if any.
        scopes: what the caller may do.
        caller: "key:" or "link:" and the id of what the caller came with; empty where nothing is needed.
        session_id: the only session that the caller reaches, where it came with a customer's link.
        order: "author" for the author's order whatever was learned; empty for the one that is in use.
    """

    tenant: str = DEFAULT_TENANT
    actor: str = "customer"
    channel: str = "api"
    request_id: str | None = None
    language: str | None = None
    scopes: frozenset[str] = ALL_SCOPES
    caller: str = ""
    session_id: str | None = None
    order: str = ""

    @property
    def knows_customers(self) -> bool:
        """Whether the caller may hear what else a customer wrote; others may have typed a stranger's address."""
        return self.session_id is None and self.caller != PUBLIC_CALLER

    def audit(self, action: str, **detail: object) -> Audit:
        """An audit note of this caller doing `action`."""
        return Audit(self.caller or self.actor, action, self.request_id, detail)


@dataclass(frozen=True, slots=True)
class GuidanceSetting:
    """The installation's setting for the order of steps.

    Args:
        order: auto, author, learned or shadow.
        costs: of what may end a session, where a guide has none of its own.
    """

    order: str = "auto"
    costs: Costs = field(default_factory=Costs)


@dataclass(slots=True)
class AppContext:
    """The running parts of one process.

    Args:
        db: connections.
        tenant: whose data the process's own work is about: its jobs, its files.
        threshold: below this confidence, 0..1, it is none of the known problems.
        accept_from: from this confidence on, 0..1, a problem is taken without asking.
        policy: chooses the step that comes next, in every session of this process.
        model: the language model that the service may use, if any.
        has_account: whether messages of a channel need no address of their own: the operator's account is set up.
        wrote: called after something was committed: a sender need not wait for its next look.
    """

    db: Database
    tenant: str
    threshold: float
    accept_from: float = DEFAULT_ACCEPT
    policy: Policy = AUTHOR_ORDER
    model: LanguageModel | None = None
    has_account: Callable[[object], bool] = lambda _channel: True
    wrote: Callable[[], None] = lambda: None
    wrote_for: Callable[[str], None] = lambda _tenant: None
    """Called with another tenant after something of it was committed."""
    seal_key: bytes = field(default=b"", repr=False)
    """Key of the audit log's chain."""
    held: Callable[[str, str], Guide | None] = lambda _tenant, _version_id: None
    """The guide of a tenant's version where a knowledge base has it in memory already."""
    attachments_mb: int = 500
    """Megabytes that the pictures of a tenant's sessions take at most; 0: none are taken."""
    team: str = "guiado"
    """The support team's name, in messages to its customers."""
    guidance: GuidanceSetting = field(default_factory=GuidanceSetting)
    policy_of: Callable[[str], Policy] | None = None
    """The policy of another tenant; None where `policy` is everybody's."""
    _versions: dict[tuple[str, str], Guide] = field(default_factory=dict[tuple[str, str], Guide])

    def scope(self, actor: str = "machine", channel: str = "worker", language: str | None = None) -> Scope:
        """The scope of the process's own work."""
        return Scope(self.tenant, actor, channel, language=language)

    def of_tenant(self, tenant: str) -> AppContext:
        """These parts for a tenant: the same database and caches, its rows."""
        if tenant == self.tenant:
            return self
        policy = self.policy if self.policy_of is None else self.policy_of(tenant)
        return replace(self, tenant=tenant, policy=policy, wrote=lambda: self.wrote_for(tenant))

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection in autocommit mode that sees this tenant's rows."""
        return self.db.connection(self.tenant)

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """A connection inside one transaction that sees this tenant's rows."""
        return self.db.transaction(self.tenant)

    def work(self, connection: Connection, scope: Scope | None = None) -> UnitOfWork:
        """A unit of work on a connection that is open; by default in the process's own scope."""
        return UnitOfWork(self, scope or self.scope(), connection)

    async def run_read(
        self, scope: Scope, action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a use case that changes nothing, or whose statements each stand for themselves.

        Args:
            action: the use case; it gets the unit of work and then the other arguments.
        """
        async with self.db.connection(scope.tenant) as connection:
            return await action(UnitOfWork(self.of_tenant(scope.tenant), scope, connection), *args, **kwargs)

    async def run_write(
        self, scope: Scope, action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a use case as `run_read` does, and wake the senders."""
        done = await self.run_read(scope, action, *args, **kwargs)
        self.of_tenant(scope.tenant).wrote()
        return done

    async def guide_version(self, connection: Connection, tenant: str, version_id: str | None) -> Guide | None:
        """The guide of a version; versions never change, so that each is read once."""
        if version_id is None:
            return None
        if (tenant, version_id) not in self._versions:
            guide = self.held(tenant, version_id) or await guides.load(connection, tenant, version_id)
            if guide is None:
                return None
            if len(self._versions) >= _CACHED_GUIDES:
                self._versions.clear()
            self._versions[tenant, version_id] = guide
        return self._versions[tenant, version_id]


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """Unit of work of one use case: the process's parts, the request's scope, and an open connection.

    Args:
        app: the running parts of the process.
        scope: tenant and caller.
        connection: an open connection, in a transaction where the door made one.
    """

    app: AppContext
    scope: Scope
    connection: Connection

    @property
    def tenant(self) -> str:
        """The tenant whose rows are read and written."""
        return self.scope.tenant

    @property
    def policy(self) -> Policy:
        """The policy that chooses the next step for this caller."""
        return AUTHOR_ORDER if self.scope.order == "author" else self.app.policy

    def called_by(self, scope: Scope) -> UnitOfWork:
        """This unit of work for another caller of the same tenant."""
        return UnitOfWork(self.app, replace(scope, tenant=self.scope.tenant), self.connection)

    async def guide_version(self, version_id: str | None) -> Guide | None:
        """The guide of a version; see `AppContext.guide_version`."""
        return await self.app.guide_version(self.connection, self.tenant, version_id)
