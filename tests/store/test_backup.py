"""Copies of the database and the way back, with a real PostgreSQL: under load, cut short, killed in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import asyncpg
import msgspec
import pytest
from clusters import wheel_binaries

from guiado.cli import main
from guiado.errors import DatabaseUnavailable
from guiado.store.backup import archive, scratch_database
from guiado.store.backup.column_options import without_private_options
from guiado.store.backup.pg_programs import Clients, finish, split_password, with_database
from guiado.store.embedded import binaries
from guiado.store.embedded.binaries import Binaries
from guiado.store.embedded.locks import exclusive
from guiado.store.migrate import connect, may_take_role

GUIADO = str(Path(sys.executable).with_name("guiado"))
ATTEMPTS = 4
ONE_SESSION = f"""
WITH s AS (INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description, status)
           SELECT gen_random_uuid(), 'cliente@example.com', repeat(md5(random()::text), 8), 'started' FROM generate_series(1, $1::integer)
           RETURNING session_id)
INSERT INTO support_troubleshooting_attempts (id, session_id, step_number, success)
SELECT gen_random_uuid(), session_id, n, false FROM s, generate_series(1, {ATTEMPTS}) n"""
CONTENT = """
SELECT (SELECT md5(string_agg(md5(s::text), '' ORDER BY s.session_id)) FROM support_troubleshooting_sessions s)
    || (SELECT md5(string_agg(md5(a::text), '' ORDER BY a.id)) FROM support_troubleshooting_attempts a)
    || (SELECT md5(string_agg(c::text, '' ORDER BY c.config_key)) FROM support_troubleshooting_config c)"""


@pytest.fixture
def here(capfd, monkeypatch, facade):
    """Runs a command against the test's database: exit code, and all that it said."""

    def call(*words: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capfd.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return call


def ask(dsn: str, sql: str, *arguments: object):
    """The first column of the first row; a statement without arguments may be several."""

    async def run():
        connection = await asyncpg.connect(dsn)
        try:
            if not arguments and not sql.lstrip().upper().startswith("SELECT"):
                return await connection.execute(sql)
            return await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()

    return asyncio.run(run())


def add_sessions(dsn: str, count: int) -> None:
    async def run():
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(ONE_SESSION, count)
        finally:
            await connection.close()

    asyncio.run(run())


def sessions(dsn: str) -> int:
    return ask(dsn, "SELECT count(*) FROM support_troubleshooting_sessions")


def name_of(dsn: str) -> str:
    return dsn.partition("?")[0].rpartition("/")[2]


def databases(dsn: str, like: str) -> list[str]:
    return ask(dsn, "SELECT array_agg(datname::text ORDER BY datname) FROM pg_database WHERE datname LIKE $1", like) or []


def previous(dsn: str) -> str:
    """Address of the one database from before."""
    (name,) = databases(dsn, f"{name_of(dsn)}\\_antes\\_%")
    return with_database(dsn, name)


def spawn(dsn: str, *words: str | Path, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [GUIADO, *words],
        env={**os.environ, "DATABASE_URL": dsn},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def end(process: subprocess.Popen[str]) -> str:
    process.kill()
    return process.communicate(timeout=30)[0]


def wait_for(condition, timeout_s: float = 30.0):
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)
    return value


@contextlib.contextmanager
def under_load(dsn: str):
    """Somebody writes sessions, one transaction each, all the time."""
    over = threading.Event()

    def write() -> None:
        async def run():
            connection = await asyncpg.connect(dsn)
            try:
                while not over.is_set():
                    await connection.execute(ONE_SESSION, 1)
            finally:
                await connection.close()

        asyncio.run(run())

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


# -------------------------------------------------------------------------------------------------------------------- copying


def test_a_copy_takes_the_place_of_no_pipe(here, dsn, tmp_path):
    pipe = tmp_path / "tubo"
    os.mkfifo(pipe)
    code, said = here("db", "backup", pipe, "--force")
    assert (code, pipe.is_fifo()) == (1, True)
    assert "no es un archivo normal" in said


def test_a_copy_under_load_is_one_moment_and_proves_itself(here, dsn, tmp_path):
    add_sessions(dsn, 200)
    with under_load(dsn):
        wait_for(lambda: sessions(dsn) > 210)
        code, said = here("db", "backup", tmp_path, "--verify")
    assert code == 0, said
    assert "coincide en todas las tablas" in said
    (copy,) = tmp_path.iterdir()  # neither a draft nor anything else is left
    assert copy.name.startswith("guiado-2")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert databases(dsn, "guiado_scratch_%") == []
    assert sessions(dsn) > 210
    code, said = here("db", "restore", copy, "--force")
    assert code == 0, said
    count = sessions(dsn)
    assert 210 < count <= sessions(previous(dsn))
    assert f"Sesiones: {count}." in said
    assert ask(dsn, "SELECT count(*) FROM support_troubleshooting_attempts") == ATTEMPTS * count


def test_an_existing_file_is_not_overwritten_unless_told(here, tmp_path):
    copy = tmp_path / "copia.dump"
    copy.write_text("mía")
    code, said = here("db", "backup", copy)
    assert (code, copy.read_text()) == (1, "mía")
    assert "--force" in said
    killed, living = (tmp_path / f".guiado-{name}.part" for name in ("killed", "living"))
    killed.touch()
    with exclusive(living, 0):
        assert here("db", "backup", copy, "--force")[0] == 0
    assert copy.read_bytes()[:5] == b"PGDMP"
    assert living.exists()
    assert not killed.exists()


def test_the_copy_is_one_that_pg_restore_reads_by_itself(here, tmp_path):
    assert here("db", "backup", tmp_path / "copia.dump")[0] == 0
    program = shutil.which("pg_restore", path=os.pathsep.join([str(wheel_binaries()), os.environ["PATH"]]))
    done = subprocess.run([program, "-f", "-", tmp_path / "copia.dump"], capture_output=True, text=True, check=True)
    assert "COPY public.support_troubleshooting_sessions" in done.stdout


@pytest.mark.parametrize("place", ["nowhere/copia.dump", "file/copia.dump"])
def test_a_folder_that_is_none_is_named(here, tmp_path, place):
    (tmp_path / "file").touch()
    code, said = here("db", "backup", tmp_path / place)
    assert code == 1
    assert str((tmp_path / place).parent) in said
    assert len(said.strip().splitlines()) == 2


@pytest.fixture
def little_room(tmp_path):
    """A folder on a disk of 150 kB; a copy of no sessions at all needs more."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150k", "none", folder], check=False).returncode:
        pytest.skip("only root can make a small disk, where it may mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_without_space_there_are_two_lines_and_no_file(here, little_room):
    code, said = here("db", "backup", little_room / "copia.dump")
    assert code == 1
    assert "No queda espacio" in said
    assert list(little_room.iterdir()) == []


@pytest.mark.long
def test_a_program_that_dies_is_named_and_leaves_no_file(dsn, tmp_path):
    # The limit kills pg_dump by a signal, so that it says nothing itself.
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))  # noqa: E731
    process = spawn(dsn, "db", "backup", tmp_path / "copia.dump", preexec_fn=limit)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "No queda espacio" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_copy_that_was_killed_leaves_a_draft_that_the_next_one_removes(here, dsn, tmp_path):
    add_sessions(dsn, 3000)
    process = spawn(dsn, "db", "backup", tmp_path / "copia.dump")
    wait_for(lambda: [path for path in tmp_path.glob(".guiado-*.part") if path.stat().st_size])
    end(process)
    assert not (tmp_path / "copia.dump").exists()
    wait_for(
        lambda: (
            ask(dsn, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND datname = $1", name_of(dsn))
            == 0
        )
    )
    assert here("db", "backup", tmp_path / "copia.dump")[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["copia.dump"]


def test_a_client_of_an_older_version_is_no_help(here, monkeypatch, tmp_path):
    old = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if int(folder.parent.name) < 18]
    monkeypatch.setattr(binaries, "_wheel_folders", lambda: iter(()))
    monkeypatch.setattr(binaries, "_system_folders", lambda: iter([*old, Path("/nowhere")]))
    monkeypatch.setenv("PATH", "/nowhere")
    code, said = here("db", "backup", tmp_path / "never.dump")
    assert code == 1
    assert "PG_BIN" in said.splitlines()[1]
    assert list(tmp_path.iterdir()) == []


def psql(dsn, *statement):
    return Clients(Binaries(wheel_binaries(), "18"), is_embedded=True).start("psql", "-c", *statement, dsn=dsn)


def test_a_program_that_fails_or_is_killed_says_why(dsn):
    async def run(statement, signal):
        process = await psql(dsn, statement)
        if signal:
            process.send_signal(signal)
        await finish(process, "psql")

    with pytest.raises(DatabaseUnavailable, match=r"psql terminó con un error: ERROR: .*nada"):
        asyncio.run(run("SELECT nada", None))
    with pytest.raises(DatabaseUnavailable, match="psql terminó con un error: Killed"):
        asyncio.run(run("SELECT pg_sleep(60)", signal.SIGKILL))


def test_a_program_whose_user_gives_up_is_gone(dsn):
    async def run():
        process = await psql(dsn, "SELECT pg_sleep(60)")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(finish(process, "psql"), 0.1)
        return process.returncode

    assert asyncio.run(run()) == -signal.SIGKILL


# ------------------------------------------------------------------------------------------------------------------ restoring


@pytest.fixture
def copy(here, dsn, tmp_path):
    """A copy of 50 sessions; the database goes on to have 60."""
    add_sessions(dsn, 50)
    code, said = here("db", "backup", tmp_path / "copia.dump")
    assert code == 0, said
    add_sessions(dsn, 10)
    return tmp_path / "copia.dump"


def test_what_comes_back_is_what_was_there(here, dsn, tmp_path):
    add_sessions(dsn, 50)
    ask(dsn, "CREATE ROLE lectora; GRANT SELECT ON support_tickets TO lectora")
    ask(dsn, f'ALTER DATABASE "{name_of(dsn)}" SET work_mem = \'7MB\'; REVOKE CONNECT ON DATABASE "{name_of(dsn)}" FROM PUBLIC')
    before = ask(dsn, CONTENT)
    assert here("db", "backup", tmp_path / "copia.dump")[0] == 0
    ask(dsn, "DELETE FROM support_troubleshooting_sessions")
    code, said = here("db", "restore", tmp_path / "copia.dump")
    assert code == 0, said
    assert ask(dsn, CONTENT) == before
    assert ask(dsn, "SELECT has_table_privilege('lectora', 'support_tickets', 'SELECT')")
    assert ask(dsn, "SELECT current_setting('work_mem')") == "7MB"
    assert not ask(dsn, "SELECT has_database_privilege('lectora', current_database(), 'CONNECT')")
    # The application's own role works as before, and sees its tenant only.
    assert asyncio.run(may_take_role(dsn))
    assert ask(dsn, "SELECT count(*) FROM pg_policy") == ask(previous(dsn), "SELECT count(*) FROM pg_policy")
    lost = "SELECT string_agg(c.relname, ' ') FROM pg_class c WHERE relname LIKE 'support_tr%' AND relrowsecurity AND NOT has_table_privilege('guiado_app', c.oid, 'INSERT')"
    assert ask(dsn, lost) == ask(previous(dsn), lost)
    assert here("db", "status")[1].count("✗") == 0
    assert sessions(previous(dsn)) == 0
    ask(with_database(dsn, "postgres"), f'DROP DATABASE "{name_of(previous(dsn))}"')
    ask(dsn, "REVOKE ALL ON support_tickets FROM lectora")
    ask(dsn, "DROP ROLE lectora")


def test_a_copy_that_a_newer_minor_version_left_its_notes_in_comes_back(here, dsn, tmp_path):
    """PostgreSQL 15.20 and its sisters note `pg_attver` in each column, and an earlier `pg_dump` copies it."""
    add_sessions(dsn, 5)
    note = "UPDATE pg_attribute SET attoptions = '{pg_attver=28933000,n_distinct=5}' WHERE attrelid = 'support_tickets'::regclass"
    ask(dsn, f"SET allow_system_table_mods = on; {note} AND attnum > 0")
    code, said = here("db", "backup", "--verify", tmp_path / "copia.dump")
    assert code == 0, said
    code, said = here("db", "restore", "--force", tmp_path / "copia.dump")
    assert code == 0, said
    assert sessions(dsn) == 5
    kept = "SELECT attoptions::text FROM pg_attribute WHERE attrelid = 'support_tickets'::regclass AND attname = 'subject'"
    assert "n_distinct=5" in ask(dsn, kept)
    ask(with_database(dsn, "postgres"), f'DROP DATABASE "{name_of(previous(dsn))}"')


@pytest.mark.parametrize(
    ("written", "fitting"),
    [
        ("ALTER TABLE ONLY public.a ALTER COLUMN b SET (pg_attver=1);\n", ""),
        ("ALTER TABLE ONLY a ALTER COLUMN b SET (pg_attver=1, n_distinct=5);\n", "ALTER TABLE ONLY a ALTER COLUMN b SET (n_distinct=5);\n"),
        ('ALTER FOREIGN TABLE ONLY a ALTER COLUMN "x SET (y" SET (pg_attver=1);\n', ""),
        ("ALTER TABLE ONLY a ALTER COLUMN b SET (n_distinct_inherited=-0.5);\n",) * 2,
        ("ALTER TABLE ONLY a ALTER COLUMN b SET STATISTICS 5;\nCOMMENT ON TABLE a IS 'SET (pg_attver=1);';\n",) * 2,
    ],
)  # fmt: skip
def test_only_options_that_no_other_version_knows_are_taken_out(written, fitting):
    assert without_private_options(f"CREATE TABLE a (b int);\n{written}") == f"CREATE TABLE a (b int);\n{fitting}"


def test_a_database_with_sessions_is_not_replaced_unless_told(here, dsn, copy):
    code, said = here("db", "restore", copy)
    assert code == 1
    assert "60" in said
    assert "--force" in said
    assert sessions(dsn) == 60
    assert here("db", "restore", copy, "--force")[0] == 0
    assert sessions(dsn) == 50
    assert sessions(previous(dsn)) == 60


@pytest.fixture(scope="module")
def made_once(module_dsn, tmp_path_factory):
    """A copy of 50 sessions, and a database of 60 that no test changes."""
    copy = tmp_path_factory.mktemp("copia") / "copia.dump"
    add_sessions(module_dsn, 50)
    done = subprocess.run([GUIADO, "db", "backup", copy], env={**os.environ, "DATABASE_URL": module_dsn}, check=False)
    assert done.returncode == 0
    add_sessions(module_dsn, 10)
    return copy


@pytest.fixture
def refused(made_once, module_dsn, tmp_path, monkeypatch, capfd):
    """Restores what a function makes of a good copy; it has to be refused, with nothing changed. Gives what was said."""
    monkeypatch.setenv("DATABASE_URL", module_dsn)
    copy = Path(shutil.copy(made_once, tmp_path))

    def restore(spoil) -> str:
        spoil(copy)
        with pytest.raises(SystemExit) as ended:
            main(["db", "restore", str(copy), "--force"])
        assert ended.value.code == 1
        assert sessions(module_dsn) == 60
        assert databases(module_dsn, "guiado_scratch_%") == databases(module_dsn, f"{name_of(module_dsn)}\\_antes%") == []
        said = capfd.readouterr()
        return " ".join((said.out + said.err).split())

    return restore


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _one_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _without_seal(content: bytes) -> bytes:
    return content[: content.rindex(b"GUIADO-SEAL")]


@pytest.mark.parametrize("spoil", [_cut, _one_bit, _without_seal, lambda _content: b"", lambda _content: b"fotos" * 1000])
def test_a_spoilt_file_is_refused_before_anything_changes(refused, spoil):
    assert "No se cambió nada." in refused(lambda copy: copy.write_bytes(spoil(copy.read_bytes())))


def _sealed_with(copy: Path, **changes: object) -> None:
    """The same archive with another manifest."""
    manifest = msgspec.structs.replace(archive.read_manifest(copy), **changes)
    content = copy.read_bytes()
    copy.write_bytes(content[: content.rindex(b'{"guiado"')])
    archive.seal(copy, manifest)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [("format", 2, "más nueva"), ("postgres", 99, "PostgreSQL 99"), ("schema", {"migrations/9999_later.sql": "0"}, "9999_later")],
)
def test_a_copy_from_the_future_is_refused(refused, field, value, named):
    assert named in refused(lambda copy: _sealed_with(copy, **{field: value}))


def test_a_copy_that_holds_less_than_it_says_is_not_taken(refused, made_once):
    tables = {**archive.read_manifest(made_once).tables, "public.support_troubleshooting_sessions": 51}
    assert "51 ≠ 50" in refused(lambda copy: _sealed_with(copy, tables=tables))


def test_what_belongs_to_somebody_else_does_not_change_its_owner(refused, module_dsn):
    ask(module_dsn, "CREATE ROLE otra; CREATE TABLE ajena (); ALTER TABLE ajena OWNER TO otra")
    try:
        assert "(otra)" in refused(lambda _copy: None)
    finally:
        ask(module_dsn, "DROP TABLE ajena; DROP ROLE otra")


def test_two_restorations_on_one_server_wait_for_each_other(refused, module_dsn, monkeypatch):
    monkeypatch.setattr(scratch_database, "_WAIT_S", 0.05)

    async def hold():
        other = await asyncpg.connect(with_database(module_dsn, "postgres"))
        try:
            await other.execute("SELECT pg_advisory_lock($1)", scratch_database._LOCK)
            return await asyncio.to_thread(refused, lambda _copy: None)
        finally:
            await other.close()

    assert "Otro proceso restaura" in asyncio.run(hold())


def test_without_the_right_to_make_or_rename_databases_nothing_changes(here, empty_dsn, made_once, monkeypatch):
    ask(empty_dsn, "CREATE ROLE medias LOGIN; GRANT CREATE ON SCHEMA public TO medias")
    monkeypatch.setenv("DATABASE_URL", empty_dsn.replace("://guiado@", "://medias@"))
    try:
        code, said = here("db", "restore", made_once)
        assert code == 1
        assert "CREATEDB" in said
        ask(empty_dsn, "ALTER ROLE medias CREATEDB")
        code, said = here("db", "restore", made_once)
        assert code == 1
        assert "must be owner" in said
        assert databases(empty_dsn, "guiado_scratch_%") == []
        assert ask(empty_dsn, "SELECT to_regclass('support_tickets') IS NULL")
    finally:
        ask(empty_dsn, "DROP OWNED BY medias; DROP ROLE medias")


def test_a_copy_comes_back_into_an_empty_database_and_an_empty_one_can_be_copied(
    here, empty_dsn, made_once, tmp_path, monkeypatch
):
    monkeypatch.setenv("DATABASE_URL", empty_dsn)
    assert here("db", "backup", tmp_path / "nada.dump")[0] == 0
    code, said = here("db", "restore", made_once)
    assert code == 0, said
    assert sessions(empty_dsn) == 50
    code, said = here("db", "restore", tmp_path / "nada.dump", "--force")
    assert code == 0, said
    assert sessions(empty_dsn) == 0  # with the schema, ready to use


@pytest.mark.parametrize("made", ["missing", "folder", "closed"])
def test_a_file_that_cannot_be_read_is_named(here, tmp_path, made):
    file = tmp_path / "copia.dump"
    if made == "folder":
        file.mkdir()
    if made == "closed":
        file.touch(mode=0)
        if os.access(file, os.R_OK):
            pytest.skip("root reads everything")
    code, said = here("db", "restore", file)
    assert code == 1
    assert str(file) in said.splitlines()[0]
    assert len(said.strip().splitlines()) == 2


def test_while_somebody_is_connected_nothing_is_replaced(here, dsn, copy):
    async def run():
        connection = await connect(dsn)
        try:
            return await asyncio.to_thread(here, "db", "restore", copy, "--force")
        finally:
            await connection.close()

    code, said = asyncio.run(run())
    assert code == 1
    assert "guiado-admin" in said
    assert sessions(dsn) == 60


def test_who_connects_in_the_middle_stops_the_exchange_and_loses_nothing(dsn, copy):
    process = spawn(dsn, "db", "restore", copy, "--force")

    async def write_meanwhile():
        admin = await asyncpg.connect(with_database(dsn, "postgres"))
        while not await admin.fetchval("SELECT count(*) FROM pg_database WHERE datname LIKE 'guiado\\_scratch\\_%'"):
            await asyncio.sleep(0.005)
        await admin.close()
        connection = await asyncpg.connect(dsn)
        await connection.execute(ONE_SESSION, 1)  # waits until the restoration has given up
        await connection.close()

    asyncio.run(write_meanwhile())
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 1, said
    assert "No se cambió nada" in said
    assert sessions(dsn) == 61
    assert databases(dsn, f"{name_of(dsn)}\\_antes%") == []


def test_killed_in_the_middle_the_database_is_what_it_was_and_the_next_try_succeeds(here, dsn, copy):
    process = spawn(dsn, "db", "restore", copy, "--force")
    wait_for(lambda: databases(dsn, "guiado_scratch_%"))
    end(process)
    assert sessions(dsn) == 60
    code, said = here("db", "restore", copy, "--force")
    assert code == 0, said
    assert sessions(dsn) == 50
    assert databases(dsn, "guiado_scratch_%") == []


@pytest.mark.long
def test_killed_at_any_moment_there_is_always_one_whole_database(dsn, copy):
    begin = time.monotonic()
    process = spawn(dsn, "db", "restore", copy, "--force")
    assert "✓" in process.communicate(timeout=60)[0]
    whole_s = time.monotonic() - begin
    seen = set()
    for moment in range(40):
        process = spawn(dsn, "db", "restore", copy, "--force")
        time.sleep(whole_s * (0.3 + 0.8 * moment / 40))
        end(process)
        try:
            count = sessions(dsn)
        except asyncpg.InvalidCatalogNameError:  # we came while the server was still renaming for the killed one: it has by now
            count = sessions(dsn)
        assert count in {50, 60}
        assert ask(dsn, "SELECT count(*) FROM support_troubleshooting_attempts") == ATTEMPTS * count
        seen.add(count)
        add_sessions(dsn, 60 - count)
    assert seen == {50, 60}


# ----------------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("dsn", "bare", "password"),
    [
        (
            "postgresql://ana:s%40l@db.example:5432/guiado?sslmode=require",
            "postgresql://ana@db.example:5432/guiado?sslmode=require",
            "s@l",
        ),
        ("postgresql://guiado@/guiado?host=/var/lib/x&port=5432", "postgresql://guiado@/guiado?host=/var/lib/x&port=5432", None),
        ("postgresql:///guiado?user=ana&password=sal", "postgresql:///guiado?user=ana", "sal"),
        ("postgres://db.example/guiado", "postgres://db.example/guiado", None),
    ],
)
def test_a_password_never_stands_in_the_arguments_of_a_program(dsn, bare, password):
    assert split_password(dsn) == (bare, password)


def test_another_database_of_the_same_server():
    assert (
        with_database("postgresql://ana:s%40l@h/a?sslmode=require&dbname=b", "ñ b")
        == "postgresql://ana:s%40l@h/%C3%B1%20b?sslmode=require"
    )
    assert with_database("postgresql://guiado@/guiado?host=%2Fvar%2Fx&port=1", "x") == "postgresql://guiado@/x?host=/var/x&port=1"
