"""What `guiado doctor` and `guiado db status` advise is carried out, to the letter, and helps."""

from __future__ import annotations

import ast
import asyncio
import io
import re
import sys
from pathlib import Path

import pytest
from clusters import clean_up, open_folder, wheel_binaries
from statements import execute

import guiado
from guiado.cli import main
from guiado.store import diagnostics
from guiado.store.backup.pg_programs import with_database
from guiado.store.check_result import Finding
from guiado.store.embedded import EmbeddedPostgres
from guiado.store.embedded.diagnostics import look_at_home
from guiado.store.migrate import may_take_role, migrate

SOURCE, TESTS = Path(guiado.__file__).parent, Path(__file__).parents[1]
BY_HAND = "about the machine or its owner: nothing that a program could carry out"
REMEDIES = {
    # check -> the test that carries its remedy out, or why there is none
    "clock": BY_HAND,
    "future": BY_HAND,
    "latency": BY_HAND,
    "disk": BY_HAND,
    "memory": "test_too_little_memory_is_said_with_the_need",
    "files": BY_HAND,
    "rights_of_files": "test_an_installation_that_was_opened_is_found_no_more",
    "settings": "test_a_setting_that_was_put_right_is_found_no_more",
    "targets": BY_HAND,
    "port": BY_HAND,
    "encoder": "test_doctor_says_why_e5_is_not_used_and_how_to_get_it",
    "knowledge_base": "test_the_shipped_knowledge_base_has_no_errors",
    "pooler": "test_a_pooler_that_splits_transactions_is_refused_and_the_remedy_helps",
    "database": "test_a_server_that_hangs_keeps_no_other_out",
    "home": "test_what_doctor_says_of_a_home_helps",
    "log": "test_what_doctor_says_of_a_home_helps",
    "server": "test_doctor_says_what_to_do_and_that_helps",
    "locks": BY_HAND,
    "libraries": "test_a_running_process_heals_by_itself",
    "writable": "test_a_connection_that_takes_no_writes_is_not_kept",
    "encoding": "test_a_database_in_another_encoding_is_replaced_as_told",
    "timezone": "test_sql_that_doctor_writes_helps",
    "durability": "test_a_careless_server_is_set_right_as_told",
    "rights": "test_rights_and_role_are_given_as_told",
    "role": "test_rights_and_role_are_given_as_told",
    "schema": "test_what_guiado_db_migrate_puts_right",
    "row_security": "test_what_guiado_db_migrate_puts_right",
    "connections": "test_too_few_connections_are_found",
    "outbox": BY_HAND,
    "channels": "test_a_message_from_its_test_to_its_second_sending",
    "untold": "test_a_person_who_is_promised_and_of_whom_nobody_is_told_is_found",
    "keys": "test_a_service_that_is_open_to_the_network_needs_a_key",
    "secrets": "test_a_lost_key_is_told_and_left_behind",
    "jobs": BY_HAND,
    "audit": BY_HAND,
    "guides": "test_a_worse_edit_is_said_and_taken_back_as_told",
    "media": "test_a_picture_that_is_missing_is_said_and_added_as_told",
    "conflicts": "test_a_conflict_is_shown_and_settled_as_told",
    "sessions": "test_a_session_that_does_not_agree_can_be_looked_at",
}


def _checks(path: Path) -> set[str]:
    """Names of all checks in a module that may say more than that all is well."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in {"bad", "doubtful"} and call.args]
    return {str(call.args[0].value) for call in named if isinstance(call.args[0], ast.Constant)}


def test_every_remedy_has_its_test():
    modules = [path for path in SOURCE.rglob("*.py") if path.name != "finding.py"]
    assert set().union(*map(_checks, modules)) == REMEDIES.keys()
    written = "\n".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    assert [name for name in REMEDIES.values() if name != BY_HAND and f"def {name}(" not in written] == []


@pytest.fixture
def here(capfd, monkeypatch, tmp_path):
    """Runs a command line that was advised: exit code, and all that it said."""
    monkeypatch.chdir(tmp_path)

    def call(line: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(SystemExit) as ended:
            main(line.split()[1:])
        said = capfd.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return call


def found(dsn: str, check: str) -> list[Finding]:
    """What doctor finds fault with."""
    return [one for one in asyncio.run(diagnostics.look_at(dsn, 1)) if one.check == check and one.state != "good"]


def remedy(findings: list[Finding]) -> str:
    (finding,) = findings
    return str(finding.said).split("\n")[1]


def name_of(dsn: str) -> str:
    return dsn.partition("?")[0].rpartition("/")[2]


def test_sql_that_doctor_writes_helps(dsn):
    execute(dsn, f"ALTER DATABASE {name_of(dsn)} SET timezone TO 'Asia/Tokyo'")
    execute(dsn, re.search(r"ALTER DATABASE \S+ SET timezone TO 'UTC'", remedy(found(dsn, "timezone")))[0])
    assert found(dsn, "timezone") == []


@pytest.mark.parametrize(
    ("check", "damage"),
    [
        ("schema", "DELETE FROM support_schema_migrations WHERE name = 'support_webhooks_schema.sql'"),
        ("row_security", "ALTER TABLE support_tickets DISABLE ROW LEVEL SECURITY"),
        ("row_security", "REVOKE INSERT ON support_troubleshooting_sessions FROM guiado_app"),
        ("row_security", "DROP POLICY guiado_same_tenant ON support_webhooks"),
    ],
)
def test_what_guiado_db_migrate_puts_right(here, facade, dsn, check, damage):
    execute(dsn, damage)
    assert "guiado db migrate" in remedy(found(dsn, check))
    assert here("guiado db migrate")[0] == 0
    assert found(dsn, check) == []
    assert "✗" not in here("guiado db status")[1]


def test_rights_and_role_are_given_as_told(here, empty_dsn, monkeypatch):
    """An owner who may neither make roles nor, at first, tables; nobody has given the role of the application anything."""
    admin, name = with_database(empty_dsn, name_of(empty_dsn)), name_of(empty_dsn)
    plain = empty_dsn.replace("postgresql://guiado@", "postgresql://mira@")
    execute(admin, "REVOKE CREATE ON SCHEMA public FROM PUBLIC", "CREATE ROLE mira LOGIN")
    monkeypatch.setenv("DATABASE_URL", plain)
    try:
        execute(admin, re.search(r"GRANT CREATE, USAGE ON SCHEMA public TO \w+", remedy(found(plain, "rights")))[0])
        assert found(plain, "rights") == []
        asyncio.run(migrate(plain))
        execute(admin, f"GRANT ALL ON DATABASE {name} TO mira", "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM guiado_app")
        told = remedy(found(plain, "role"))
        execute(admin, re.search(r"GRANT guiado_app TO \w+", told)[0])
        assert here("guiado db migrate")[0] == 0
        assert found(plain, "role") == found(plain, "row_security") == []
        assert asyncio.run(may_take_role(plain))
    finally:
        execute(admin, "DROP OWNED BY mira CASCADE", "DROP ROLE mira")


def test_a_database_in_another_encoding_is_replaced_as_told(empty_dsn):
    execute(empty_dsn, "CREATE DATABASE latina ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    statement = re.search(r"CREATE DATABASE .+;", remedy(found(with_database(empty_dsn, "latina"), "encoding")))[0]
    try:
        execute(empty_dsn, statement.replace("DATABASE guiado", "DATABASE otra"))
        assert found(with_database(empty_dsn, "otra"), "encoding") == []
    finally:
        execute(empty_dsn, "DROP DATABASE latina", "DROP DATABASE IF EXISTS otra")


def test_a_session_that_does_not_agree_can_be_looked_at(here, facade, dsn):
    wrong = "INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description, attempts)"
    execute(dsn, f"{wrong} VALUES (gen_random_uuid(), 'a@example.com', 'x', 3)")
    assert here(re.search(r"guiado sessions show [0-9a-f-]{36}", remedy(found(dsn, "sessions")))[0])[0] == 0


@pytest.fixture
def cluster():
    home = open_folder()
    server = EmbeddedPostgres(home, pg_bin=wheel_binaries())
    yield home, server
    server.leave()
    clean_up(home)


def test_a_careless_server_is_set_right_as_told(cluster):
    _, server = cluster
    dsn = server.join()
    execute(dsn, "ALTER SYSTEM SET synchronous_commit = off", "SELECT pg_reload_conf()")
    wait_for(lambda: found(dsn, "durability"))
    told = remedy(found(dsn, "durability"))
    assert "ALTER SYSTEM SET … = on" in told
    execute(dsn, "ALTER SYSTEM SET synchronous_commit = on", re.search(r"SELECT pg_reload_conf\(\)", told)[0])
    wait_for(lambda: not found(dsn, "durability"))


def wait_for(condition) -> None:
    async def run():
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(condition):
                await asyncio.sleep(0.02)

    asyncio.run(run())


def test_what_doctor_says_of_a_home_helps(tmp_path):
    def states(home: Path) -> dict[str, str]:
        return {one.check: one.state for one in look_at_home(home, wheel_binaries())}

    (tmp_path / "file").touch()
    assert states(tmp_path / "file")["home"] == "bad"
    assert states(tmp_path / "otra")["home"] == "good"
    log = tmp_path / "casa/postgres/postgres.log"
    log.parent.mkdir(parents=True)
    with log.open("wb") as file:
        file.truncate(60_000_000)
    assert states(tmp_path / "casa")["log"] == "doubtful"
    log.unlink()
    assert states(tmp_path / "casa")["log"] == "good"


def test_a_setting_that_was_put_right_is_found_no_more(here, monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("SLACK_WEBHOOK_ULR=https://example.com\n")
    monkeypatch.setenv("GUIADO_HOME", str(tmp_path / "casa"))
    said = here("guiado doctor")[1]
    known = re.search(r"Quizá querías escribir (\w+)", said)[1]
    (tmp_path / ".env").write_text(f"{known}=https://hooks.slack.com/services/T0/B0/abc\n")
    assert "Quizá querías escribir" not in here("guiado doctor")[1]


def test_the_shipped_knowledge_base_has_no_errors(here):
    assert here("guiado kb lint")[0] == 0


def test_an_installation_that_was_opened_is_found_no_more(tmp_path, monkeypatch):
    from guiado.app import machine

    package = open_folder() / "guiado/__init__.py"
    package.parent.mkdir(mode=0o700)
    package.touch(mode=0o600)
    try:
        closed = machine._closed(package)
        assert closed == package.parent
        for path in (closed, *closed.rglob("*")):  # chmod -R go+rX
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        assert machine._closed(package) is None
    finally:
        package.unlink()
        package.parent.rmdir()
        package.parents[1].rmdir()
