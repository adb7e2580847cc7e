"""A real server on a loopback socket, one for each test module, over a database of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import httpx2
import pytest
import uvicorn

from guiado.http.slow_clients import ImpatientProtocol
from guiado.server import create_app, working
from guiado.settings import read_settings
from guiado.wiring import Runtime


class Server:
    """Serves in a thread; `url` is where, `settings` go by their names in the environment; `works`: with a worker.

    Args:
        app: makes the application.
    """

    def __init__(self, dsn: str, *, works: bool = False, app: Callable[[Runtime], object] = create_app, **settings: str) -> None:
        self._settings, self._works = (
            {"DATABASE_URL": dsn, "GUIADO_RATE_PER_IP_MINUTE": "0", "GUIADO_RATE_PER_KEY_HOUR": "0", **settings},
            works,
        )
        self._ready, self._failure = threading.Event(), None
        # asyncio sends at once only where it knows that this is TCP; without, every answer's body waits 40 ms for the client.
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(app)))
        self._thread.start()
        assert self._ready.wait(30), "the server did not start"
        if self._failure:
            raise self._failure

    async def _serve(self, app: Callable[[Runtime], object]) -> None:
        try:
            self.runtime = await Runtime.open(read_settings(**self._settings))
            options = {
                "http": ImpatientProtocol,
                "proxy_headers": False,
                "log_config": None,
                "access_log": False,
                "lifespan": "off",
            }
            config = uvicorn.Config(app(self.runtime), **options)
        except Exception as error:  # noqa: BLE001 it is raised in the test that waits
            self._failure = error
            self._ready.set()
            return
        self.server = uvicorn.Server(config)
        self.server.install_signal_handlers = lambda: None
        self.loop = asyncio.get_running_loop()
        self.loop.call_soon(self._ready.set)
        async with working(self.runtime) if self._works else nullcontext():
            await self.server.serve(sockets=[self.listener])
        await self.runtime.close()

    def close(self) -> None:
        """Stop and wait."""
        self.server.should_exit = True
        self._thread.join(30)


@pytest.fixture(scope="module")
def server(module_dsn: str) -> Iterator[Server]:
    """The server."""
    running = Server(module_dsn)
    yield running
    running.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Makes more servers: `serve(dsn, GUIADO_…=…)`; they end with the test."""
    yield from _servers()


@pytest.fixture(scope="module")
def serve_module() -> Iterator[Callable[..., Server]]:
    """The same; they end with the module."""
    yield from _servers()


def _servers() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []
    yield lambda dsn, **settings: made.append(Server(dsn, **settings)) or made[-1]
    for running in made:
        running.close()


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx2.Client]:
    """A client whose paths start at the API's base path."""
    with httpx2.Client(base_url=f"{server.url}/api/support/troubleshooting", timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def root(server: Server) -> Iterator[httpx2.Client]:
    """A client whose paths start at the server's root."""
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def session_id(http: httpx2.Client) -> str:
    """A session that waits for its first answer."""
    start = {"problem_description": "no me deja instalar el programa", "customer_email": "cliente@example.com"}
    return http.post("/start", json=start).json()["session_id"]
