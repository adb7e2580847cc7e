"""What tests share: a real PostgreSQL per test process, and a fresh database per test, cloned from a migrated template."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clusters import remove_cluster, wheel_binaries
from prepared import Prepared
from scheduling import FileScheduling, is_alone
from secret_keys import SECRET_KEY
from seven_guides import SEVEN_GUIDES
from statements import execute

from guiado.agent import close_engines
from guiado.store.embedded import EmbeddedPostgres
from guiado.store.migrate import migrate

if TYPE_CHECKING:
    from xdist.remote import Producer

_numbers = itertools.count()
if shutil.which("psql") is None:
    # The guide speaks psql; where the machine has none, the wheel's own does.
    os.environ["PATH"] += f"{os.pathsep}{wheel_binaries()}"
_OURS = (
    *("DATABASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "KESTRA_WEBHOOK_URL", "SLACK_WEBHOOK_URL"),
    *("PG_BIN", "PORT", "ACCEPT_LANGUAGE"),
    *("SLACK_BOT_TOKEN", "SMS_URL", "NTFY_URL", "APPRISE_URLS"),
)


UNLIMITED = ("GUIADO_RATE_PER_IP_MINUTE", "GUIADO_RATE_PER_KEY_HOUR")
"""Limits that are off, except in the tests that are about them: all tests together send more than one person would."""
os.environ.update(
    {**dict.fromkeys(UNLIMITED, "0"), "GUIADO_SECRET_KEY": SECRET_KEY, "GUIADO_KB_PATH": str(SEVEN_GUIDES)}
)  # for what is started before a test's own environment


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileScheduling:
    """The scheduler of pytest-xdist for these tests."""
    return FileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest in one process."""
    items.sort(key=lambda item: not is_alone(item.nodeid))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """No setting of the developer's own machine reaches a test; only those of the contract use the guides that ship."""
    for name in [*os.environ]:
        if name in _OURS or name.startswith(("GUIADO_", "SMTP_", "TWILIO_")):
            monkeypatch.delenv(name)
    for name in UNLIMITED:
        monkeypatch.setenv(name, "0")
    if request.path.parent.name != "contract":
        monkeypatch.setenv("GUIADO_KB_PATH", str(SEVEN_GUIDES))
    monkeypatch.setenv("GUIADO_SECRET_KEY", SECRET_KEY)  # many homes for one database, and one database for many homes


@pytest.fixture(scope="session")
def pg_server() -> Iterator[str]:
    """Address of a running PostgreSQL that this test process may do anything with."""
    home = Path(tempfile.mkdtemp(prefix="guiado-tests-"))
    server = EmbeddedPostgres(home, pg_bin=wheel_binaries())
    try:
        dsn = server.join()
        # Tests of durability bring their own clusters; here the disk would only make everybody wait.
        settings = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
        execute(dsn, *(f"ALTER SYSTEM SET {name} = {value}" for name, value in settings.items()), "SELECT pg_reload_conf()")
        yield dsn
    finally:
        server.leave()
        remove_cluster(server, home)


def _named(dsn: str, database: str) -> str:
    """The same server, another database."""
    head, _, query = dsn.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{database}" + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
def template_database(pg_server: str) -> str:
    """Name of a database with the whole schema, for cloning."""
    execute(pg_server, "CREATE DATABASE guiado_template")
    asyncio.run(migrate(_named(pg_server, "guiado_template")))
    return "guiado_template"


def _database(pg_server: str, template: str) -> Iterator[str]:
    name = f"t{next(_numbers)}"
    execute(pg_server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _named(pg_server, name)
    execute(pg_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def dsn(pg_server: str, template_database: str) -> Iterator[str]:
    """A fresh database with the whole schema."""
    yield from _database(pg_server, template_database)


@pytest.fixture
def empty_dsn(pg_server: str) -> Iterator[str]:
    """A fresh database without any schema."""
    yield from _database(pg_server, "template0")


@pytest.fixture
def facade(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Facade classes made in the test use the database whose address this is."""
    monkeypatch.setenv("DATABASE_URL", dsn)
    yield dsn
    close_engines()


@pytest.fixture(scope="module")
def module_dsn(pg_server: str, template_database: str) -> Iterator[str]:
    """A fresh database with the whole schema, for all tests of a module."""
    yield from _database(pg_server, template_database)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """What detection prepared once, for the homes and the databases of tests that are about something else."""
    base = tmp_path_factory.getbasetemp()
    return Prepared((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "prepared")
