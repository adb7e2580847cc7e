"""From one major version of PostgreSQL to the next, with both of them: complete, or nothing happened."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import pytest
from clusters import clean_up, open_folder, wheel_binaries

from guiado.cli import main
from guiado.errors import DatabaseUnavailable
from guiado.store.backup import restore, upgrade
from guiado.store.backup.pg_programs import with_database
from guiado.store.embedded import EmbeddedPostgres, data_swap, postmaster
from guiado.store.embedded.binaries import read_version
from guiado.store.embedded.cluster_paths import ClusterPaths
from guiado.store.embedded.locks import exclusive
from guiado.store.migrate import migrate

GUIADO = str(Path(sys.executable).with_name("guiado"))
NEW = wheel_binaries()
NEW_MAJOR = int((read_version(NEW) or "0").partition(".")[0])
# An older one: of the system, else the other one of the wheel.
OLD = next(
    (
        folder
        for folder in [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), *NEW.parents[1].glob("pginstall*/bin")]
        if (version := read_version(folder)) and int(version.partition(".")[0]) < NEW_MAJOR
    ),
    None,
)
OLD_MAJOR = int((read_version(OLD) or "0").partition(".")[0]) if OLD else 0
# In memory where there is such a place: clusters are made and copied here all the time.
BASE = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108
pytestmark = pytest.mark.skipif(OLD is None, reason="only one major version of PostgreSQL on this machine")
SESSIONS = """
INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description)
SELECT gen_random_uuid(), 'cliente@example.com', repeat(md5(n::text), 50) FROM generate_series(1, 500) n"""
# As PostgreSQL 15.20 and its sisters note it in each column, whatever this machine has.
NEWER_MINOR = (
    "SET allow_system_table_mods = on",
    (
        "UPDATE pg_attribute SET attoptions = '{pg_attver=28933000,n_distinct=5}'"
        " WHERE attrelid = 'support_tickets'::regclass AND attname = 'subject'"
    ),
)
CONTENT = "SELECT md5(string_agg(md5(s::text), '' ORDER BY s.session_id)) FROM support_troubleshooting_sessions s"


def ask(dsn: str, *statements: str):
    """What the last statement says."""

    async def run():
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            if statements[-1].startswith("SELECT"):
                return await connection.fetchval(statements[-1])
            return await connection.execute(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def seed():
    """A home whose cluster is of the older version, with sessions; stopped."""
    home = open_folder()
    server = EmbeddedPostgres(home, pg_bin=OLD)
    try:
        dsn = server.join()
        asyncio.run(migrate(dsn))
        ask(dsn, "SET synchronous_commit = off", SESSIONS)
        server.leave()
        yield home
    finally:
        server.leave()
        clean_up(home)


@pytest.fixture
def home(seed, monkeypatch):
    folder = open_folder()
    subprocess.run(["cp", "-a", f"{seed}/.", folder], check=True)
    monkeypatch.setenv("GUIADO_HOME", str(folder))
    monkeypatch.setenv("PG_BIN", str(NEW))
    yield folder
    clean_up(folder)


@pytest.fixture
def here(capfd, monkeypatch):
    def call(*words: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capfd.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return call


def use(home: Path, *statements: str):
    """Start the cluster as any process would, ask, and leave."""
    server = EmbeddedPostgres(home)
    try:
        return ask(server.join(), *statements)
    finally:
        server.leave()


def major_of(home: Path) -> int:
    return int((home / "postgres/data/PG_VERSION").read_text())


def nothing_is_left(home: Path) -> bool:
    names = {path.name for path in (home / "postgres").iterdir()}
    return names <= {
        "data",
        "password",
        "port",
        "postgres.log",
        "postgres.log.1",
        "run",
        "server.lock",
    } and not postmaster.running_server(home / "postgres/data")


def test_everything_comes_along_and_the_old_data_stays(home, here):
    server = EmbeddedPostgres(home)
    dsn = server.join()
    password = ask(with_database(dsn, "postgres"), "SELECT rolpassword FROM pg_authid WHERE rolname = 'guiado'")
    ask(dsn, "CREATE ROLE lectora LOGIN PASSWORD 'sal'")
    ask(dsn, "GRANT SELECT ON support_tickets TO lectora", "ALTER DATABASE guiado SET jit = on")
    ask(dsn, "ALTER SYSTEM SET work_mem = '7MB'")
    if OLD_MAJOR < 16 <= NEW_MAJOR:
        ask(dsn, "ALTER SYSTEM SET vacuum_defer_cleanup_age = 5")
    ask(dsn, *NEWER_MINOR)
    ask(dsn, "CREATE DATABASE aparte")
    ask(with_database(dsn, "aparte"), "CREATE TABLE mía AS SELECT 42 AS n")
    before = ask(dsn, CONTENT)
    server.leave()
    with (home / "postgres/data/pg_hba.conf").open("a") as file:
        file.write("# mi línea\n")

    code, said = here("db", "upgrade", "--from-bin", str(OLD))

    assert code == 0, said
    assert ("vacuum_defer_cleanup_age" in said) == (OLD_MAJOR < 16 <= NEW_MAJOR)
    assert major_of(home) == NEW_MAJOR
    (kept,) = (home / "postgres").glob(f"data-{OLD_MAJOR}-*")
    assert f"rm -r '{kept}'" in said
    assert (kept / "PG_VERSION").read_text() == f"{OLD_MAJOR}\n"
    assert "# mi línea" in (home / "postgres/data/pg_hba.conf").read_text()
    server = EmbeddedPostgres(home)
    try:
        dsn = server.join()
        assert ask(dsn, "SELECT current_setting('server_version_num')::integer / 10000") == NEW_MAJOR
        assert ask(dsn, CONTENT) == before
        assert ask(dsn, "SELECT current_setting('work_mem') || current_setting('jit') || current_setting('fsync')") == "7MBonon"
        assert ask(dsn, "SELECT rolpassword FROM pg_authid WHERE rolname = 'guiado'") == password
        assert ask(dsn, "SELECT has_table_privilege('lectora', 'support_tickets', 'SELECT')")
        assert ask(dsn, "SELECT has_table_privilege('guiado_app', 'support_tickets', 'INSERT')")
        assert ask(with_database(dsn, "aparte"), "SELECT n FROM mía") == 42
        options = "SELECT attoptions::text FROM pg_attribute WHERE attrelid = 'support_tickets'::regclass AND attname = 'subject'"
        assert "n_distinct=5" in ask(dsn, options)
        assert asyncio.run(migrate(dsn)) == []
    finally:
        server.leave()
    shutil.rmtree(kept)
    assert nothing_is_left(home)
    code, said = here("db", "upgrade")
    assert code == 1
    assert "más nueva" in said


@pytest.mark.parametrize(
    "stage", [pytest.param("upgrade/data/PG_VERSION", marks=pytest.mark.long), "upgrade/data/postmaster.pid"]
)
def test_killed_in_the_middle_the_old_cluster_works_and_no_server_is_left(home, stage):
    killed_when(home, (home / "postgres" / stage).exists)
    new_server = postmaster.read_server(home / "postgres/upgrade/data")
    assert use(home, "SELECT count(*) FROM support_troubleshooting_sessions") == 500
    assert major_of(home) == OLD_MAJOR
    assert nothing_is_left(home)
    assert new_server is None or not Path(f"/proc/{new_server.pid}/exe").exists()


def killed_when(home: Path, condition) -> None:
    log = (home / "upgrade.txt").open("w")
    process = subprocess.Popen([GUIADO, "db", "upgrade"], stdout=log, stderr=log, env=os.environ)
    log.close()
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, (home / "upgrade.txt").read_text()
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.002)
    process.kill()
    process.wait()


def test_a_crash_between_the_two_renamings_brings_the_old_cluster_back(home, monkeypatch):
    site = ClusterPaths(home / "postgres", None)
    shutil.copytree(site.data, home / "copy")
    data_swap.prepare(ClusterPaths(home / "postgres", None))
    (home / "copy").rename(data_swap.workshop(site).data)
    real = Path.rename
    monkeypatch.setattr(Path, "rename", lambda path, target: _crash() if target == site.data else real(path, target))
    with pytest.raises(KeyboardInterrupt):
        data_swap.put_in_place(site, OLD_MAJOR)
    monkeypatch.undo()
    assert not site.data.exists()  # an empty cluster must not be made here now
    assert EmbeddedPostgres(home).dsn() is None
    server = EmbeddedPostgres(home)
    try:
        assert ask(server.join(), "SELECT count(*) FROM support_troubleshooting_sessions") == 500
    finally:
        server.leave()
    assert nothing_is_left(home)


def test_a_crash_before_the_first_renaming_changes_nothing(home):
    (home / "postgres/exchange").write_text(f"data-{OLD_MAJOR}-20260101T000000\n")
    assert use(home, "SELECT count(*) FROM support_troubleshooting_sessions") == 500
    assert nothing_is_left(home)


def _crash():
    raise KeyboardInterrupt


@pytest.mark.long
def test_what_the_new_version_refuses_is_named_and_nothing_changes(home, here):
    if not OLD_MAJOR < 16 <= NEW_MAJOR:
        pytest.skip("these two versions know the same settings")
    use(home, "ALTER DATABASE guiado SET force_parallel_mode = off")
    code, said = here("db", "upgrade")
    assert code == 1
    assert "force_parallel_mode" in said
    assert use(home, "SELECT count(*) FROM support_troubleshooting_sessions") == 500
    assert major_of(home) == OLD_MAJOR
    assert nothing_is_left(home)


def test_a_running_server_is_left_alone(home, here):
    server = EmbeddedPostgres(home)
    try:
        dsn = server.join()
        code, said = here("db", "upgrade")
        assert code == 1
        assert "en uso" in said
        server.detach()
        code, said = here("db", "upgrade")
        assert code == 1
        assert "guiado db stop" in said
        assert ask(dsn, "SELECT 1") == 1
    finally:
        server.stop()


def test_nobody_can_join_meanwhile(home):
    server = EmbeddedPostgres(home)
    # What every other process takes before it starts or joins.
    with server.alone(), pytest.raises(DatabaseUnavailable), exclusive(home / "start.lock", 0):
        pass


def test_wrong_folders_and_a_full_disk_are_two_lines_and_change_nothing(home, here, monkeypatch):
    for words, named in (
        (("--from-bin", str(NEW)), f"los datos son de PostgreSQL {OLD_MAJOR}"),
        (("--from-bin", str(home)), "no hay un PostgreSQL que funcione"),
    ):
        code, said = here("db", "upgrade", *words)
        assert code == 1
        assert named in said
    monkeypatch.setattr(upgrade.shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    code, said = here("db", "upgrade")
    assert code == 1
    assert "quedan 1 MB" in said
    assert len(said.strip().splitlines()) == 2
    assert major_of(home) == OLD_MAJOR
    assert nothing_is_left(home)


def test_a_database_of_somebody_else_is_not_ours_to_upgrade(home, here, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://ana@db.example/guiado")
    code, said = here("db", "upgrade")
    assert code == 1
    assert "DATABASE_URL" in said


def test_without_a_cluster_there_is_nothing_to_upgrade(here, monkeypatch):
    folder = open_folder()
    monkeypatch.setenv("GUIADO_HOME", str(folder))
    try:
        code, said = here("db", "upgrade")
        assert code == 1
        assert "Todavía no hay" in said
    finally:
        shutil.rmtree(folder)


def test_a_copy_of_the_embedded_database_comes_back_into_it(home, here, tmp_path, monkeypatch):
    server = EmbeddedPostgres(home)
    dsn = server.join()
    server.detach()
    try:
        before = ask(dsn, CONTENT)
        assert here("db", "backup", tmp_path / "copia.dump")[0] == 0
        ask(dsn, "DELETE FROM support_troubleshooting_sessions")
        with monkeypatch.context() as full:
            full.setattr(restore.shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
            code, said = here("db", "restore", tmp_path / "copia.dump")
            assert code == 1
            assert "quedan 1 MB" in said
        code, said = here("db", "restore", tmp_path / "copia.dump")
        assert code == 0, said
        assert ask(dsn, CONTENT) == before
        server.join()
        code, said = here("db", "restore", tmp_path / "copia.dump", "--force")
        assert code == 1
        assert "en uso" in said
    finally:
        server.leave()
        server.stop()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_killed_at_any_moment_there_is_one_whole_cluster(home):
    begin = time.monotonic()
    done = subprocess.run([GUIADO, "db", "upgrade"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    whole_s = time.monotonic() - begin
    (kept,) = (home / "postgres").glob("data-*")
    seen = set()
    for moment in range(20):
        shutil.rmtree(home / "postgres/data")
        subprocess.run(["cp", "-a", kept, home / "postgres/data"], check=True)
        process = subprocess.Popen([GUIADO, "db", "upgrade"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole_s * (0.1 + 1.1 * moment / 20))
        process.kill()
        process.wait()
        assert use(home, "SELECT count(*) FROM support_troubleshooting_sessions") == 500
        seen.add(major_of(home))
        for made in set((home / "postgres").glob("data-*")) - {kept}:
            shutil.rmtree(made)
    assert OLD_MAJOR in seen
