"""PostgreSQL is updated under a running guiado, as a system does at night."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import asyncpg
import pytest
from clusters import clean_up, open_folder, wheel_binaries

from guiado.errors import DatabaseUnavailable
from guiado.store.database import Database
from guiado.store.embedded import EmbeddedPostgres, postmaster
from guiado.store.embedded.diagnostics import look_at_home

BROKEN = b"this is no library"


@pytest.fixture
def programs():
    """A copy of PostgreSQL that a test may update; small files are copied, large ones linked until they are replaced."""
    folder = open_folder()
    installed = wheel_binaries()
    prefix, package = installed.parent, installed.parents[1]
    shutil.copytree(prefix, folder / "package" / prefix.name, copy_function=_link, symlinks=True)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name, copy_function=_link)
    yield folder / "package" / prefix.name / "bin"
    shutil.rmtree(folder)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture
def home():
    folder = open_folder()
    yield folder
    clean_up(folder)


def library(programs: Path) -> Path:
    return next(programs.parent.rglob("plpgsql.so"))


def replace(path: Path, content: bytes) -> None:
    """As a package manager does: a new file takes the name of the old one."""
    fresh = path.with_name("fresh")
    fresh.write_bytes(content)
    fresh.chmod(path.stat().st_mode)
    fresh.replace(path)


def update(programs: Path) -> None:
    """The same content in new files: a minor version whose libraries do fit its programs."""
    for path in (programs / "postgres", library(programs)):
        replace(path, path.read_bytes())


def ask(dsn: str, sql: str):
    async def run():
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


def pid_of(home: Path) -> int | None:
    return EmbeddedPostgres(home).status().pid


def test_a_start_after_an_update_restarts_the_server_even_one_that_was_kept_running(home, programs):
    first = EmbeddedPostgres(home, pg_bin=programs)
    first.join()
    first.detach()
    before = pid_of(home)
    again = EmbeddedPostgres(home, pg_bin=programs)
    again.join()
    again.leave()
    assert pid_of(home) == before, "nothing was updated"
    update(programs)
    assert again.status().replaced
    dsn = again.join()
    try:
        assert pid_of(home) != before
        assert not again.status().replaced
        assert ask(dsn, "SELECT 1") == 1
    finally:
        again.leave()
        assert again.stop()


def test_a_server_of_an_earlier_guiado_that_recorded_nothing_is_restarted_too(home, programs, monkeypatch):
    server = EmbeddedPostgres(home, pg_bin=programs)
    server.join()
    try:
        (server.status().data / "guiado.programs").unlink()
        before = pid_of(home)
        state = server.status().data / "postmaster.pid"
        lines = state.read_text().splitlines()
        lines[2] = str(int(lines[2]) - 3600)
        state.write_text("\n".join(lines) + "\n")
        update(programs)
        server.join()
        assert pid_of(home) != before
    finally:
        server.leave()


def test_a_running_process_heals_by_itself(home, programs):
    """Its open connections go on; the first new one finds the broken library, and the server is started again."""
    server = EmbeddedPostgres(home, pg_bin=programs)
    server.join()
    good = library(programs).read_bytes()

    async def scenario() -> None:
        db = Database(lambda: asyncio.to_thread(server.ensure), pool_size=4)
        try:
            async with db.connection() as old:
                before = pid_of(home)
                replace(library(programs), BROKEN)
                assert await old.fetchval("SELECT 1") == 1
                with pytest.raises(DatabaseUnavailable) as caught:
                    async with asyncio.timeout(20):
                        await db.prove()
                assert "PostgreSQL se actualizó mientras guiado trabajaba." in str(caught.value)
                assert len(str(caught.value).splitlines()) == 2
            replace(library(programs), good)
            async with db.connection() as fresh:
                assert await fresh.fetchval("SELECT 1") == 1
            await db.prove()
            assert pid_of(home) != before
        finally:
            await db.close()

    try:
        asyncio.run(scenario())
    finally:
        server.leave()


def test_doctor_says_what_to_do_and_that_helps(home, programs):
    server = EmbeddedPostgres(home, pg_bin=programs)
    server.join()
    server.detach()
    update(programs)
    (found,) = [finding for finding in look_at_home(home, programs) if finding.check == "server"]
    assert found.state == "bad"
    assert "guiado db stop" in str(found.said)
    assert EmbeddedPostgres(home, pg_bin=programs).stop()
    assert [finding.state for finding in look_at_home(home, programs) if finding.check == "server"] == ["good"]
    assert postmaster.running_server(home / "postgres/data") is None
    assert subprocess.run([programs / "postgres", "--version"], check=False).returncode == 0
