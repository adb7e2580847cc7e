"""The server: the ASGI application over one runtime, and its process.

`run` blocks until the process is told to stop. API, pages and a worker live in one event loop; any number of such processes may
share a database.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager

import uvicorn
from litestar import Litestar, Response, Router
from litestar.datastructures import State
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import ASGIApp

from guiado import __version__, logs
from guiado.api import audit, customers, health, kestra, metrics, reports, templates
from guiado.api import keys as api_keys
from guiado.api.access_rules import BASE_PATH, check_access, cross_origin_methods, is_public, require_rules
from guiado.api.openapi.document import document_of
from guiado.api.outbound import deliveries, notifications, recipients, webhooks
from guiado.api.sessions import attachments, closing, detection, listing
from guiado.api.sessions import links as session_links
from guiado.api.sessions import routes as sessions
from guiado.api.step_fast_path import StepFastPath
from guiado.app import open_files
from guiado.app.access import customer_links
from guiado.app.access.key_format import LINK_PREFIX
from guiado.app.access.keyring import Keyring
from guiado.app.access.limiter import Limiter
from guiado.app.access.link_register import LinkRegister
from guiado.app.outbound.queue import EXIT_S
from guiado.checkup import Checkup
from guiado.detection.semantic.encoders.mapped_arrays import release_memory
from guiado.domain.events import EventKind
from guiado.errors import SettingsInvalid, os_reason
from guiado.http.authentication import Authentication
from guiado.http.cross_origin import CrossOrigin
from guiado.http.forwarded import Forwarded, trusts_of
from guiado.http.incoming import incoming
from guiado.http.json_response import JsonResponse
from guiado.http.loopback_guard import LoopbackGuard
from guiado.http.problems import HANDLERS, ProblemDetails, respond  # pyright: ignore[reportUnknownVariableType]
from guiado.http.query import allowed_on, check_query
from guiado.http.rate_limit import RateLimit
from guiado.http.request import Http, links_of
from guiado.http.security_headers import SecurityHeaders
from guiado.http.slow_clients import KEEP_ALIVE_S, ImpatientProtocol
from guiado.logs import get_logger
from guiado.settings import Settings
from guiado.store.webhooks import is_told
from guiado.web import media, routes, state
from guiado.web.assets import Assets
from guiado.web.knowledge import crawlers
from guiado.web.knowledge import pages as knowledge_pages
from guiado.web.negotiation import is_for_people
from guiado.web.wizard import case as wizard_case
from guiado.web.wizard import pictures as wizard_pictures
from guiado.web.wizard import start as wizard_start
from guiado.web.wizard import troubles
from guiado.web.wizard.door import keep_form
from guiado.wiring import Runtime, loop_factory

MAX_BODY_BYTES = 1_048_576
_KNOWLEDGE_POLL_S = 0.5
_STOP_S = int(EXIT_S)
log = get_logger()
Greet = Callable[[str, bool, bool], None]


async def _guard(request: Http) -> Response[None] | None:
    asked = incoming(request.scope)
    if asked.refusal:
        raise asked.refusal
    if request.method == "OPTIONS":
        # The framework's own answer leaves out methods of handlers that were registered later.
        return Response(None, status_code=204, headers={"Allow": allowed_on(request)})
    if not is_public(request.scope):
        if asked.failure:
            raise asked.failure
        check_access(request.scope, asked.scope)
    check_query(request.scope)
    return None


async def _guard_form(request: Http) -> Response[None] | None:
    await keep_form(request)
    return await _guard(request)


def _on_missing(request: Http, error: NotFoundException) -> Response[bytes] | Response[ProblemDetails]:
    if troubles.is_of_customer(request):
        return troubles.show_trouble(request, error)
    if is_for_people(request):
        return state.missing(request)
    answer = respond(request, error)
    answer.headers["Vary"] = "Accept, Accept-Language"  # a cache keeps the page for people apart
    return answer


def _on_method(request: Http, error: MethodNotAllowedException) -> Response[bytes] | Response[ProblemDetails]:
    return troubles.show_trouble(request, error) if troubles.is_of_customer(request) else respond(request, error)


def create_app(runtime: Runtime) -> ASGIApp:
    """The ASGI application.

    Args:
        runtime: running parts; whoever opened them closes them.
    """
    settings, app = runtime.settings, create_routes(runtime)
    trusts, origins = trusts_of(settings.trusted_proxies), frozenset(settings.origins if settings.public_start else ())
    limited = RateLimit(
        StepFastPath(app, BASE_PATH),
        Limiter(runtime.parts.db),
        settings.tenant,
        per_ip_minute=settings.rate_per_ip_minute,
        per_key_hour=settings.rate_per_key_hour,
        trusts=trusts,
    )
    keyring = Keyring(runtime.parts.db, is_local=settings.is_loopback)
    authenticated = Authentication(limited, settings.tenant, keyring, links_of(app), origins)
    cross_origin = CrossOrigin(authenticated, origins, cross_origin_methods)
    secret_paths = (f"{customer_links.PATH}/{LINK_PREFIX}",)
    uploads = (attachments.PATH_END, f"/{wizard_pictures.PLACE}")
    is_published = bool(settings.public_url or settings.trusted_proxies or settings.root_path)
    guarded = LoopbackGuard(
        cross_origin,
        settings.host,
        {kestra.PATH},
        metrics.observe,
        origins,
        secret_paths,
        uploads,
        is_published=is_published,
    )
    return Forwarded(
        SecurityHeaders(guarded),
        trusts=trusts,
        root_path=settings.root_path,
        public_url=settings.public_url,
        own_paths=[route.path for route in app.routes],
    )


def create_routes(runtime: Runtime) -> Litestar:
    """The Litestar application with every route and the OpenAPI document, without the layers that `create_app` adds.

    Args:
        runtime: as for `create_app`.
    """
    resources = (
        sessions,
        closing,
        session_links,
        attachments,
        listing,
        detection,
        reports,
        webhooks,
        deliveries,
        templates,
        notifications,
        recipients,
        api_keys,
        customers,
        audit,
    )
    handlers = [handler for module in resources for handler in module.HANDLERS]
    api = Router(BASE_PATH, route_handlers=handlers, response_class=JsonResponse)  # pyright: ignore[reportArgumentType]
    plain = (kestra, health, metrics, routes, state, knowledge_pages, crawlers, media)
    others = [handler for module in plain for handler in module.HANDLERS]
    of_wizard = [handler for module in (wizard_start, wizard_case, wizard_pictures) for handler in module.HANDLERS]
    wizard = Router(
        "",
        route_handlers=of_wizard,
        before_request=_guard_form,
        # The handler of the nearer type is asked, not that of the nearer layer: so every type has its own here.
        exception_handlers=dict.fromkeys([*HANDLERS, NotFoundException], troubles.show_trouble),
    )
    app = Litestar(
        route_handlers=[api, wizard, *others],
        before_request=_guard,
        exception_handlers={**HANDLERS, NotFoundException: _on_missing, MethodNotAllowedException: _on_method},
        request_max_body_size=MAX_BODY_BYTES,
        state=_state_of(runtime),
        openapi_config=OpenAPIConfig(
            title="guiado",
            version=__version__,
            path="/_openapi",
            render_plugins=[JsonRenderPlugin()],
            use_handler_docstrings=True,
        ),
        logging_config=None,
    )
    require_rules(app)
    app.state["document_of"] = document_of
    return app


def _state_of(runtime: Runtime) -> State:
    """The state that handlers find on the application."""
    settings = runtime.settings
    return State(
        {
            "runtime": runtime,
            "links": LinkRegister(runtime.parts.db),
            "assets": Assets(settings),
            "checkup": Checkup(settings),
            "reference_pages": {},
        }
    )


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncGenerator[None]:
    """Run the background tasks of a serving process: a worker, and the watches of knowledge base, plans and open files."""
    worker = runtime.worker()
    watches = (_watch_knowledge(runtime), runtime.plans.watch(), open_files.watch())
    tasks = [asyncio.create_task(task) for task in (worker.run(), *watches)]
    try:
        yield
    finally:
        worker.stop()
        for watching in tasks[1:]:
            watching.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), _STOP_S)


async def _watch_knowledge(runtime: Runtime) -> None:
    while True:
        await asyncio.sleep(_KNOWLEDGE_POLL_S)
        try:
            await runtime.knowledge.refresh()
        except Exception as error:  # noqa: BLE001 the next edit must still be seen
            log.error("knowledge_base_waits", error=f"{type(error).__name__}: {error}"[:500])


def run(settings: Settings, greet: Greet | None = None) -> None:
    """Serve API, pages and worker until the process is told to stop.

    Args:
        greet: told the address when it answers, after everything that is logged at the start, whether anybody hears of
            customers that wait for a person, and whether the API needs a key.

    Raises:
        SettingsInvalid: the address cannot be used.
        DatabaseUnavailable: there is no database to work with.
    """
    logs.configure(settings.log_level.upper(), as_json=not sys.stderr.isatty())
    open_files.raise_limit()
    # Until the server takes the signals itself, an end by SIGTERM must leave the database in peace too.
    signal.signal(signal.SIGTERM, _end)
    listener = _listen(settings)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(settings, listener, greet))


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _spare_collector() -> None:
    # What lives as long as the process is not looked through again, and what a request leaves behind not after every request.
    gc.collect()
    release_memory()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise SettingsInvalid(
            "No se puede abrir {host}:{port} ({problem}).\nCierra el programa que usa ese puerto o elige otro con PORT.",
            host=settings.host,
            port=settings.port,
            problem=os_reason(error),
        ) from None
    return listener


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers, which would end the process before the database connections are closed.

    Args:
        started: called when requests are answered.
    """

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer requests."""
        await super().startup(sockets)
        self._tell_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Handle SIGINT and SIGTERM: the first signal asks for a graceful end, the second one for a quick one."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


async def _is_anybody_told(runtime: Runtime) -> bool:
    """Whether any endpoint or recipient gets the escalations: a customer who waits for a person is promised one."""
    async with runtime.parts.connection() as connection:
        return await is_told(connection, runtime.parts.tenant, EventKind.SESSION_ESCALATED)


def _warn_of_silence() -> None:
    why = "nadie recibe avisos de quien espera a una persona; se ve con guiado sessions list --status needs_escalation"
    log.warning("nobody_is_told", why=why, remedy="SLACK_WEBHOOK_URL en .env, guiado webhooks add o guiado recipients add")


def _require_keys(settings: Settings, *, has_keys: bool) -> None:
    if not (has_keys or settings.is_loopback):
        raise SettingsInvalid(
            "GUIADO_HOST={host} abre el servicio a la red, y sin claves de API cualquiera podría entrar.\n"
            "Crea una clave de API con guiado keys create --name servidor, o usa GUIADO_HOST=127.0.0.1.",
            host=settings.host,
        )


def _say_who_may_enter(tell: Callable[..., None], *, has_keys: bool) -> None:
    if has_keys:
        why = "La API pide una clave de API: guiado keys list las muestra, guiado keys create --name NOMBRE hace otra."
        tell("closed_with_keys", why=why)
    else:
        why = "Todavía no hay claves de API: solo responde a este equipo. La primera la cierra: guiado keys create --name NOMBRE"
        tell("open_without_keys", why=why)


async def _serve(settings: Settings, listener: socket.socket, greet: Greet | None) -> None:
    runtime = await Runtime.open(settings, serves=True)
    try:
        has_keys = await Keyring(runtime.parts.db, is_local=settings.is_loopback).has_keys()
        _require_keys(settings, has_keys=has_keys)
        config = uvicorn.Config(
            create_app(runtime),  # pyright: ignore[reportArgumentType]
            http=ImpatientProtocol,
            timeout_keep_alive=KEEP_ALIVE_S,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_STOP_S,
        )
        url = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.port}"
        is_told = await _is_anybody_told(runtime)
        server = _Server(config, lambda: greet(url, is_told, has_keys) if greet else None)
        tell = log.debug if greet else log.info  # whoever is greeted is told the same in words
        _say_who_may_enter(tell, has_keys=has_keys)
        tell("serving", url=url, embedded_database=runtime.site.is_embedded)
        if not (is_told or greet):
            _warn_of_silence()
        _spare_collector()
        async with working(runtime):
            await server.serve(sockets=[listener])
    finally:
        await runtime.close()
