"""The composition root: builds the running parts from the settings, and closes them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from guiado import clock, i18n
from guiado.app.context import AppContext, GuidanceSetting
from guiado.app.guidance.plans import PlanRegistry
from guiado.app.jobs import JOBS, Job
from guiado.app.knowledge.knowledge_base import DetectionConfig, KnowledgeBase
from guiado.app.knowledge.plain_index import PlainIndex
from guiado.app.knowledge.registry import KnowledgeBases
from guiado.app.knowledge.settings_variables import settings_variables
from guiado.app.knowledge.tenants import TenantKnowledge
from guiado.app.maintenance import refit_job
from guiado.app.outbound import recipients, webhooks
from guiado.app.outbound.handlers import HandlerDependencies, make_handlers
from guiado.app.outbound.queue import Queue
from guiado.app.outbound.tenant_queues import TenantQueues
from guiado.delivery import channels
from guiado.delivery.ip_policy import TargetPolicy
from guiado.detection import DEFAULT_THRESHOLD
from guiado.detection.semantic.embedding_cache import VectorCache
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.semantic.encoders.openai_api import MAX_ANSWER_BYTES as MAX_VECTOR_BYTES
from guiado.detection.verdict import DEFAULT_ACCEPT
from guiado.errors import SettingsInvalid, TargetRefused
from guiado.guidance.facts import Costs
from guiado.logs import get_logger
from guiado.resources import data_path
from guiado.scheduler import Worker
from guiado.settings import Settings
from guiado.store import stored_secrets
from guiado.store.database import Database
from guiado.store.embedded import EmbeddedPostgres, default_home
from guiado.store.key_file import read_keys
from guiado.store.migrate import APP_ROLE, may_take_role, migrate
from guiado.store.secret_box import SecretBox

if TYPE_CHECKING:
    from guiado.delivery.channels import Channel
    from guiado.delivery.guarded_client import GuardedClient, HttpAnswer
    from guiado.language_model import LanguageModel

_OPENAI_URL = "https://api.openai.com/v1"
_NO_KEY = "local"
"""API key for a local model that needs none: the client always sends one."""
log = get_logger()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Factory of uvloop's faster event loop, for long-running processes; None where uvloop is not installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def knowledge_path(settings: Settings) -> Path:
    """Path of the knowledge base that is published for everybody."""
    return settings.kb_path or data_path("integrations", "support_troubleshooting_kb.json")


def encoder_of(settings: Settings) -> VectorCache | None:
    """The encoder of texts into vectors, with its cache in the cache folder.

    Returns:
        None where the words alone decide.

    Raises:
        SettingsInvalid: what the chosen encoder needs is missing.
    """
    post = None
    if settings.encoder == "openai":
        from guiado.delivery.sync_client import BlockingPoster

        post = BlockingPoster(TargetPolicy.parse(settings.private_targets), max_answer_bytes=MAX_VECTOR_BYTES)
    key, url = settings.openai_api_key, settings.openai_base_url
    model, folder = settings.encoder_model, cache_folder(settings)
    encoder = make_encoder(settings.encoder, model=model, base_url=url, api_key=key, post=post, folder=folder)
    return VectorCache(folder, encoder) if encoder else None


def guidance_setting(settings: Settings) -> GuidanceSetting:
    """What the settings say of the order of steps."""
    costs = Costs(settings.cost_person_minutes, settings.cost_leaving_minutes, settings.cost_recontact_minutes)
    return GuidanceSetting(settings.guidance_order, costs)


def cache_folder(settings: Settings) -> Path | None:
    """The cache folder; None where this user has no data folder."""
    try:
        return (settings.home or default_home()) / "cache"
    except SettingsInvalid:  # without a home of its own nothing is remembered
        return None


def secret_box(settings: Settings, *, makes: bool = True) -> SecretBox:
    """The keys that encrypt the credentials in the database: those of the settings, or the file in guiado's folder.

    Args:
        makes: a file that is missing is made; else there is no key then.

    Raises:
        SettingsInvalid: there is none and none can be made, or it cannot be used.
    """
    home = None if settings.secret_key else settings.home or default_home()
    return read_keys(settings.secret_key, home, makes=makes)


class DatabaseLocation:
    """Location of the database: the one of `DATABASE_URL`, or the embedded one, started on demand.

    Args:
        settings: of this process.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        self._embedded = None if self._url else EmbeddedPostgres(settings.home or default_home(), pg_bin=settings.pg_bin)

    def join(self) -> str:
        """The address of the database; an embedded server is started, and this process counted among its users. Blocks."""
        return self._url or self._server.join()

    async def find(self) -> str:
        """The address of the database; an embedded server that crashed is started again."""
        return self._url or await asyncio.to_thread(self._server.ensure)

    def leave(self) -> None:
        """Leave the server; the last process to leave stops an embedded one. Blocks."""
        if self._embedded is not None:
            self._embedded.leave()

    @property
    def is_embedded(self) -> bool:
        """Whether the database is the embedded one."""
        return self._embedded is not None

    @property
    def _server(self) -> EmbeddedPostgres:
        if self._embedded is None:
            raise RuntimeError("DATABASE_URL is set: there is no embedded server")
        return self._embedded


class Runtime:
    """The running parts of one process. Make it with `Runtime.open`, end it with `close`."""

    def __init__(
        self, settings: Settings, site: DatabaseLocation, parts: AppContext, senses: DetectionConfig, *, serves: bool = False
    ) -> None:
        self.settings, self.site, self.parts = settings, site, parts
        self._policy = TargetPolicy.parse(settings.private_targets)
        self.jobs: dict[str, Job] = dict(JOBS)
        """Periodic jobs by name; each knowledge base adds a job of its own."""
        self._plain = PlainIndex()
        self._tenants = TenantKnowledge(parts, lambda of: self._open_bases(of, senses, serves=serves), self._forget_refits)
        self.knowledge = self._tenants.own.public
        """The knowledge base for everybody, of the process's own tenant."""
        self.knowledge_of, self.knowledge_for = self._tenants.own.at, self._tenants.own.of_session
        self.knowledge_in, self.knowledge_of_session = self._tenants.public, self._tenants.of_session
        self.plans = PlanRegistry(parts, lambda: self.open_tenants)
        """What was learned of the order of steps."""
        parts.policy, parts.policy_of = self.plans.policy(parts.tenant), self.plans.policy
        self._models: dict[str, LanguageModel] = {}
        self._model_way = _ModelWay(self._policy)

    @classmethod
    async def open(cls, settings: Settings, *, serves: bool = False) -> Runtime:
        """Start everything that `settings` ask for: the database, its schema, the knowledge base.

        Args:
            serves: this process answers requests: without `GUIADO_KB_PATH` the guides that ship are used again. A command that
                happens to run without that setting takes nothing over.

        Raises:
            DatabaseUnavailable: there is no database to work with.
            SettingsInvalid: a setting cannot be used.
        """
        i18n.speak(settings.spanish)
        site, senses = DatabaseLocation(settings), DetectionConfig(encoder_of(settings), settings.none_share)
        if senses.encoder is not None:
            senses.encoder.warm()
        dsn = await asyncio.to_thread(site.join)
        try:
            await migrate(dsn)
            box = secret_box(settings)
            seal_key = await stored_secrets.admit(dsn, box, settings.tenant)
            role = APP_ROLE if await may_take_role(dsn) else None
            size, tenant, presence = settings.pool_size, settings.tenant, settings.pooler
            db = Database(site.find, pool_size=size, role=role, tenant=tenant, presence=presence, box=box)
            threshold = DEFAULT_THRESHOLD if settings.detection_threshold is None else settings.detection_threshold
            accept_from = DEFAULT_ACCEPT if settings.accept_threshold is None else settings.accept_threshold
            parts = AppContext(db, settings.tenant, threshold, accept_from, seal_key=seal_key)
            parts.attachments_mb, parts.team = settings.attachments_mb, settings.brand_name
            parts.guidance = guidance_setting(settings)
            parts.has_account = lambda name: channels.has_account(name, settings)
            runtime = cls(settings, site, parts, senses, serves=serves)
        except BaseException:
            await asyncio.to_thread(site.leave)
            raise
        try:
            runtime.parts.model = runtime.model() if settings.use_llm else None
            await runtime._offer_targets()
            await runtime.knowledge.refresh()
            await runtime.plans.load()
        except BaseException:
            await runtime.close()
            raise
        return runtime

    @cached_property
    def client(self) -> GuardedClient:
        """HTTP client of webhooks and channels; made when first used: its certificates take most of a facade's start."""
        from guiado.delivery.guarded_client import GuardedClient

        return GuardedClient(self._policy)

    @property
    def open_tenants(self) -> list[str]:
        """The tenants beside the process's own that it served lately."""
        return self._tenants.open

    def worker(self, most_jobs: int | None = None, *, of_all_tenants: bool = True) -> Worker:
        """A worker of this process: sends what is due, and does the periodic work.

        Args:
            most_jobs: so many of them at once at most; by default as many as leave half of the connections to requests.
            of_all_tenants: send what other tenants have waiting too, as a service does.
        """
        name = f"{socket.gethostname()}:{os.getpid()}:{clock.token(4)}"
        make = partial(self._queue, name)
        queue = TenantQueues(self.parts, make) if of_all_tenants else make(self.parts)
        return Worker(self.parts, name, self.jobs, queue, most=most_jobs or max(1, self.settings.pool_size // 2))

    def _queue(self, worker: str, parts: AppContext) -> Queue:
        kestra = self.settings.kestra_webhook_url
        # The operator's Kestra gets the events of the process's own tenant only.
        own = {webhooks.KESTRA: kestra} if kestra and parts.tenant == self.parts.tenant else {}
        tools = HandlerDependencies(parts, worker, self.settings, lambda: self.client, self._channel_of, own)
        return Queue(parts, worker, make_handlers(tools))

    def _open_bases(self, parts: AppContext, senses: DetectionConfig, *, serves: bool) -> KnowledgeBases:
        tenant = None if parts.tenant == self.parts.tenant else parts.tenant
        return KnowledgeBases(
            parts,
            senses,
            knowledge_path(self.settings),
            lambda knowledge: self._schedule_refit(knowledge, tenant),
            is_shipped=self.settings.kb_path is None,
            takes_over=serves,
            plain=self._plain,
            variables=settings_variables(self.settings),
        )

    def _channel_of(self, kind: str) -> Channel:
        return channels.make_channel(kind, self.settings, self.client, self._policy)

    async def _offer_targets(self) -> None:
        """Offer the targets of the settings: escalations to the operator's Slack, every event to the operator's Kestra."""
        async with self.parts.connection() as connection:
            if self.settings.slack_webhook_url:
                await recipients.offer_slack(self.parts.work(connection))
            if self.settings.kestra_webhook_url:
                await webhooks.offer_kestra(self.parts.work(connection))

    def model(self, key: str | None = None) -> LanguageModel | None:
        """The language model for a key, by default the one of the settings; None where there is neither key nor address.

        Raises:
            SettingsInvalid: `OPENAI_BASE_URL` cannot be used.
        """
        settings = self.settings
        key = key or settings.openai_api_key or (_NO_KEY if settings.openai_base_url else None)
        if key is None:
            log.warning("llm_off", why="falta la clave de API: define OPENAI_API_KEY, u OPENAI_BASE_URL para un modelo local")
            return None
        if key not in self._models:
            from guiado.language_model import LanguageModel  # most processes ask none

            self._models[key] = LanguageModel(
                self._model_way.post,
                key=key,
                base_url=self._vetted(settings.openai_base_url or _OPENAI_URL),
                name=settings.llm_model,
                calls_per_minute=settings.llm_calls_per_minute,
            )
        return self._models[key]

    def _vetted(self, base_url: str) -> str:
        from guiado.delivery.target_url import vet_url  # with what it imports, a third of a facade's start

        try:
            refusal = self._policy.refuses(ip_address(vet_url(base_url, operator=True).host), operator=True)
        except ValueError:  # a name: what it leads to is vetted with each connection
            refusal = None
        except TargetRefused as error:
            refusal = error.message
        if refusal is None:
            return base_url
        raise SettingsInvalid(
            "{name} no se puede usar: {problem}\n"
            "Escribe la dirección de la API con su versión, por ejemplo https://api.openai.com/v1.",
            name="OPENAI_BASE_URL",
            problem=refusal,
        )

    def _schedule_refit(self, knowledge: KnowledgeBase, tenant: str | None) -> None:
        name, job = refit_job(knowledge, tenant)
        self.jobs[name] = job

    def _forget_refits(self, tenant: str) -> None:
        for name in [name for name, job in self.jobs.items() if job.tenant == tenant]:
            del self.jobs[name]

    async def close(self) -> None:
        """Close all parts; an embedded server that no other process uses stops."""
        if "client" in self.__dict__:
            await self.client.aclose()
        await self._model_way.aclose()
        await self.parts.db.close()
        await asyncio.to_thread(self.site.leave)


class _ModelWay:
    """HTTP port of the language model: the guarded client, made with the first call, under the operator's rules."""

    def __init__(self, policy: TargetPolicy) -> None:
        self._policy = policy
        self._making = asyncio.Lock()
        self._client: GuardedClient | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> HttpAnswer:
        """Send one request to an address that the operator set."""
        async with self._making:
            self._client = self._client or await asyncio.to_thread(self._make)
        return await self._client.post(url, body, headers, timeout_s=timeout_s, operator=True, body_s=None)

    def _make(self) -> GuardedClient:
        from guiado.delivery.guarded_client import GuardedClient
        from guiado.language_model import MAX_ANSWER_BYTES

        return GuardedClient(self._policy, max_answer_bytes=MAX_ANSWER_BYTES + 1)

    async def aclose(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            await self._client.aclose()
