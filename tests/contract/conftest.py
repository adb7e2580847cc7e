"""What the proofs of the contract share: one database for each test process, and the real service over it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import requests
from secret_keys import SECRET_KEY

from guiado.agent import close_engines

START_S = 90
GUIADO = Path(sys.executable).with_name("guiado")


def address(dsn: str, database: str) -> str:
    """The same server, another database."""
    head, _, query = dsn.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{database}" + (f"?{query}" if query else "")


def execute(dsn: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def fetch(dsn: str, query: str, *values: object) -> list[asyncpg.Record]:
    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.fixture(scope="session")
def contract_dsn(pg_server: str, template_database: str) -> Iterator[str]:
    """One database with the whole schema, for all proofs of the contract in this process."""
    execute(pg_server, f"CREATE DATABASE contract TEMPLATE {template_database}")
    yield address(pg_server, "contract")
    close_engines()
    execute(pg_server, "DROP DATABASE contract WITH (FORCE)")


@pytest.fixture
def rows(contract_dsn: str) -> Callable[..., list[asyncpg.Record]]:
    """Asks the shared database."""
    return lambda query, *values: fetch(contract_dsn, query, *values)


@pytest.fixture
def in_contract(contract_dsn: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Facade classes made in the test use the shared database, through one engine for all tests."""
    monkeypatch.setenv("DATABASE_URL", contract_dsn)
    return contract_dsn


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_answer(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(url, timeout=20).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.05)
    raise AssertionError(f"El servicio no responde en {url}:\n{log.read_text('utf-8')[-4000:]}")


@pytest.fixture(scope="session")
def service(contract_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `guiado serve` answers, over the shared database: `http://localhost:<port>`."""
    folder, port = tmp_path_factory.mktemp("service"), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GUIADO_")}
    environment |= {
        "DATABASE_URL": contract_dsn,
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        "GUIADO_RATE_PER_IP_MINUTE": "0",
        "GUIADO_SECRET_KEY": SECRET_KEY,
    }
    log = folder / "log.txt"
    with log.open("wb") as sink:
        process = subprocess.Popen([GUIADO, "serve"], cwd=folder, env=environment, stdout=sink, stderr=subprocess.STDOUT)
    try:
        await_answer(process, f"http://localhost:{port}/api/support/troubleshooting/realtime", log)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
