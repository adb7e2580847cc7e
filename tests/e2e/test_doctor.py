"""`guiado doctor` finds what is wrong, says what to do, and works where nothing else does."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
from datetime import timedelta

import pytest
from clusters import wheel_binaries

from guiado import clock
from guiado.app.diagnostics import look_at_targets
from guiado.checkup import look_while_serving
from guiado.cli import main
from guiado.cli.root import run
from guiado.settings import read_settings
from guiado.store import diagnostics
from guiado.store.embedded import EmbeddedPostgres
from guiado.store.embedded.diagnostics import look_at_home
from guiado.store.embedded.locks import exclusive
from guiado.store.migrate import connect

DAMAGES = {
    "row_security": "ALTER TABLE support_tickets DISABLE ROW LEVEL SECURITY",
    "schema": "DELETE FROM support_schema_migrations WHERE name = 'support_webhooks_schema.sql'",
    "timezone": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone TO ''Asia/Tokyo''', current_database()); END $$",
    "jobs": "INSERT INTO support_troubleshooting_schedule (job, next_at, last_error) VALUES ('limpieza', now() - interval '1 day', 'se cayó')",
    "sessions": "INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description, attempts)"
    " VALUES (gen_random_uuid(), 'a@example.com', 'x', 3)",
    "future": "INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description, started_at)"
    " VALUES (gen_random_uuid(), 'a@example.com', 'x', now() + interval '1 day')",
    "outbox": "WITH e AS (INSERT INTO support_troubleshooting_outbox (event_id, event, data, occurred_at)"
    " VALUES (gen_random_uuid(), 'x', '{}', now()) RETURNING event_id)"
    " INSERT INTO support_troubleshooting_deliveries (delivery_id, event_id, destination, due_at)"
    " SELECT gen_random_uuid(), event_id, 'w', now() - interval '1 hour' FROM e",
}
"""Name of the check -> what it has to find."""
BAD = {"row_security", "sessions"}


@pytest.fixture
def doctor(capfd, monkeypatch, tmp_path):
    """Runs the command in an empty folder; gives its exit code and what it found, by check."""
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("PORT", str(free.getsockname()[1]))

    def call(**settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))
        with pytest.raises(SystemExit) as ended:
            main(["doctor", "--json"])
        told = json.loads(capfd.readouterr().out)
        assert told["ok"] is (ended.value.code == 0)
        assert all((check["state"] == "good") is (check["remedy"] is None) for check in told["checks"])
        assert all("\n" not in check["what"] + (check["remedy"] or "") for check in told["checks"])
        return ended.value.code, told["checks"]

    return call


def states(checks):
    """The worst state of each check."""
    found = {}
    for check in checks:
        found[check["check"]] = max(found.get(check["check"], "good"), check["state"], key=["good", "doubtful", "bad"].index)
    return found


@pytest.mark.parametrize(
    ("name", "url", "state"),
    [
        ("KESTRA_WEBHOOK_URL", "https://kestra.acme.com/api/v1/main/executions/webhook/workflows/flujo/clave", "good"),
        ("KESTRA_WEBHOOK_URL", "https://acme.com/kestra/api/v1/executions/webhook/equipo.soporte/flujo/clave?a=1", "good"),
        ("KESTRA_WEBHOOK_URL", "https://kestra.acme.com/api/v1/executions/webhook/workflows/workflows/flujo/clave", "doubtful"),
        ("KESTRA_WEBHOOK_URL", "https://kestra.acme.com/ui/flows", "doubtful"),
        ("KESTRA_WEBHOOK_URL", "kestra.acme.com/api/v1", "bad"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/abc", "good"),
        ("SLACK_WEBHOOK_URL", "https://acme.slack.com/archives/C0", "doubtful"),
    ],
)
def test_addresses_in_the_settings_are_looked_at_and_not_called(monkeypatch, name, url, state):
    monkeypatch.setenv(name, url)
    (found,) = look_at_targets(read_settings())
    assert (found.check, found.state) == ("targets", state)
    assert "clave" not in repr(found), "it is a key"


async def _execute(dsn, *statements):
    connection = await connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def test_a_good_installation_has_nothing_to_complain_of_and_is_left_as_it_was(doctor, home, capfd):
    code, checks = doctor()
    assert code == 0
    assert set(states(checks).values()) == {"good"}, checks
    named = {check["check"] for check in checks}
    assert named >= {
        "program",
        "settings",
        "port",
        "knowledge_base",
        "home",
        "disk",
        "programs",
        "data",
        "server",
        "locks",
        "log",
    }
    assert named >= {
        "latency",
        "version",
        "durability",
        "rights",
        "schema",
        "row_security",
        "clock",
        "outbox",
        "jobs",
        "sessions",
    }
    assert not EmbeddedPostgres(home).status().running
    with pytest.raises(SystemExit) as ended:
        main(["--lang", "en", "doctor"])
    said = capfd.readouterr()
    assert (ended.value.code, said.err) == (0, "")
    assert said.out.splitlines()[-1] == "All is well. Warnings: 0."


def test_a_healthy_database_is_not_accused(doctor, dsn):
    found = states(doctor(DATABASE_URL=dsn)[1])
    # The tests' own server is quick because it may lose what it was told.
    assert {name for name, state in found.items() if state != "good"} == {"durability"}


@pytest.mark.parametrize("check", DAMAGES)
def test_damage_in_the_database_is_found(doctor, dsn, check):
    asyncio.run(_execute(dsn, DAMAGES[check]))
    code, checks = doctor(DATABASE_URL=dsn)
    found = states(checks)
    assert code == 1
    assert {name for name, state in found.items() if state != "good"} - {"durability"} == {check}
    assert found[check] == ("bad" if check in BAD else "doubtful")


WAITING = """INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description, status)
    VALUES (gen_random_uuid(), 'a@example.com', 'x', 'needs_escalation')"""
SENT = """WITH e AS (INSERT INTO support_troubleshooting_outbox (event_id, event, data) VALUES (gen_random_uuid(), 'x', '{{}}')
                    RETURNING event_id)
    INSERT INTO support_troubleshooting_deliveries (delivery_id, event_id, destination, state, due_at, finished_at)
    SELECT gen_random_uuid(), event_id, 'w', '{state}', now() - interval '1 hour', {finished} FROM e"""
ENDPOINT = "INSERT INTO support_webhooks (webhook_id, url, events, enabled) VALUES ('w', 'http://w.test', '{{x}}', {enabled})"
JOB = """INSERT INTO support_troubleshooting_schedule (job, next_at, last_error, started_at, leased_until)
    VALUES ('{job}', now() + interval '{due}', {error}, now() - interval '{running}', now() + interval '{leased}')"""


def doubts(dsn, name):
    return [str(f.said) for f in asyncio.run(diagnostics.look_at(dsn, 1)) if f.check == name and f.state != "good"]


def test_a_person_who_is_promised_and_of_whom_nobody_is_told_is_found(doctor, facade):
    assert doubts(facade, "untold") == []
    asyncio.run(
        _execute(facade, WAITING, WAITING, WAITING.replace("session_id,", "tenant_id, session_id,").replace("(gen", "('b', gen"))
    )
    (said,) = doubts(facade, "untold")
    assert said.startswith("3 ")
    _, checks = doctor(DATABASE_URL=facade)
    (remedy,) = [check["remedy"] for check in checks if check["check"] == "untold"]
    for words in ("guiado sessions list --status needs_escalation", "SLACK_WEBHOOK_URL", "guiado webhooks add", "/recipients"):
        assert words in remedy
    # What it advises helps, for the tenant that it is done in.
    for command in (
        ["sessions", "list", "--status", "needs_escalation"],
        ["webhooks", "add", "https://example.com/x", "--event", "session_escalated"],
    ):
        assert run(command) == 0
    assert doubts(facade, "untold")[0].startswith("1 ")
    asyncio.run(_execute(facade, "INSERT INTO support_troubleshooting_recipients (tenant_id, channel, recipient, events)"
                              " VALUES ('b', 'email', 'x@example.com', '{session_escalated}')"))  # fmt: skip
    assert doubts(facade, "untold") == []


def test_what_is_off_is_no_backlog_and_what_was_given_up_is_told(dsn):
    asyncio.run(_execute(dsn, ENDPOINT.format(enabled="false"), SENT.format(state="pending", finished="NULL")))
    assert doubts(dsn, "outbox") == []
    asyncio.run(_execute(dsn, "UPDATE support_webhooks SET enabled = true"))
    assert len(doubts(dsn, "outbox")) == 1
    asyncio.run(_execute(dsn, "DELETE FROM support_troubleshooting_deliveries"))
    asyncio.run(_execute(dsn, SENT.format(state="exhausted", finished="now() - interval '2 days'")))
    assert doubts(dsn, "outbox") == []
    asyncio.run(_execute(dsn, SENT.format(state="exhausted", finished="now()")))
    (said,) = doubts(dsn, "outbox")
    assert said.startswith("1 ")
    assert "attempts w" in said


def test_jobs_that_failed_or_take_too_long_are_named_and_those_of_removed_knowledge_bases_are_not(dsn):
    gone = JOB.format(job="refit_detector:0a1b", due="-9 days", error="'se rompió'", running="9 days", leased="-9 days")
    asyncio.run(_execute(dsn, gone, JOB.format(job="maintenance", due="1 hour", error="NULL", running="2 min", leased="45 s")))
    assert doubts(dsn, "jobs") == []
    asyncio.run(_execute(dsn, JOB.format(job="retention", due="-2 hours", error="NULL", running="2 hours", leased="45 s")))
    (said,) = doubts(dsn, "jobs")
    assert "retention" in said
    assert "120" in said
    asyncio.run(_execute(dsn, JOB.format(job="refit_detector:1", due="1 min", error="'no cabe'", running="1 min", leased="-1 s")))
    assert any("refit_detector:1" in each and "no cabe" in each for each in doubts(dsn, "jobs"))


def test_a_workers_wrong_clock_is_told_as_long_as_it_says_so(dsn):
    asyncio.run(_execute(dsn, JOB.format(job="clock:equipo:1:x", due="0 s", error="'172800'", running="10 s", leased="-1 s")))
    (said,) = doubts(dsn, "clock")
    assert "equipo:1:x" in said
    assert "172800" in said
    assert doubts(dsn, "jobs") == []
    asyncio.run(_execute(dsn, "UPDATE support_troubleshooting_schedule SET started_at = now() - interval '1 hour'"))
    assert doubts(dsn, "clock") == []


def test_every_tenant_is_looked_at(dsn):
    for tenant in ("aaa", "zzz"):
        asyncio.run(_execute(dsn, f"INSERT INTO support_troubleshooting_sessions (session_id, tenant_id, customer_email, problem_description)"
                                  f" SELECT gen_random_uuid(), '{tenant}', 'a@example.com', 'x' FROM generate_series(1, 600)"))  # fmt: skip
    asyncio.run(_execute(dsn, DAMAGES["sessions"]))
    assert len(doubts(dsn, "sessions")) == 1


def test_too_few_connections_are_found(dsn):
    async def look():
        other = await connect(dsn)
        try:
            most = await other.fetchval("SELECT current_setting('max_connections')::integer - 3")  # reserved
            return [{one.check: one.state for one in await diagnostics.look_at(dsn, pool)} for pool in (1, most, most + 1)]
        finally:
            await other.close()

    assert [found["connections"] for found in asyncio.run(look())] == ["good", "doubtful", "bad"]


def test_a_slow_database_and_a_wrong_clock_are_found(dsn, monkeypatch):
    real = clock.now
    monkeypatch.setattr(diagnostics, "_SLOW_MS", -1.0)
    monkeypatch.setattr(clock, "now", lambda: real() - timedelta(minutes=1))
    found = {finding.check: finding for finding in asyncio.run(diagnostics.look_at(dsn, 1))}
    assert (found["latency"].state, found["clock"].state) == ("doubtful", "doubtful")
    assert "60 s" in str(found["clock"].said)


def test_a_database_that_is_not_utf8_is_found(empty_dsn):
    name = empty_dsn.partition("?")[0].rpartition("/")[2]
    other = empty_dsn.replace(f"/{name}", "/latina", 1)
    asyncio.run(_execute(empty_dsn, "CREATE DATABASE latina ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"))
    try:
        found = {finding.check: finding.state for finding in asyncio.run(diagnostics.look_at(other, 1))}
        assert found["encoding"] == "bad"
    finally:
        asyncio.run(_execute(empty_dsn, "DROP DATABASE latina"))


def test_a_database_without_rights_or_schema_is_found(doctor, empty_dsn):
    name = "DO $$ BEGIN EXECUTE format('REVOKE CREATE ON SCHEMA public FROM PUBLIC'); END $$"
    asyncio.run(_execute(empty_dsn, name, "DROP ROLE IF EXISTS mira", "CREATE ROLE mira LOGIN"))
    try:
        code, checks = doctor(DATABASE_URL=empty_dsn.replace("postgresql://guiado@", "postgresql://mira@"))
        found = states(checks)
        assert code == 1
        assert (found["rights"], found["schema"], found["role"]) == ("bad", "doubtful", "doubtful")
        assert found["latency"] == "good", "one check's failure stops no other"
    finally:
        asyncio.run(_execute(empty_dsn, "DROP ROLE mira"))


def test_where_everything_is_broken_each_check_speaks_for_itself(doctor, tmp_path, monkeypatch):
    monkeypatch.setattr("guiado.app.diagnostics._TIMEOUT_S", 0.2)
    (tmp_path / ".env").write_text("esto no es nada\n")
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, checks = doctor(
            GUIADO_HOME=tmp_path / "file", GUIADO_KB_PATH=tmp_path / "nada.json", PORT=taken.getsockname()[1], GUIADO_PROT="1"
        )
    assert code == 1
    found = states(checks)
    assert [found[name] for name in ("program", "settings", "port", "knowledge_base", "home")] == ["good", *["bad"] * 4]
    assert "GUIADO_PROT no es un ajuste de guiado." in [check["what"] for check in checks]


def test_a_service_that_is_open_to_the_network_needs_a_key(doctor, facade, capfd):
    assert states(doctor(DATABASE_URL=facade)[1])["keys"] == "good"
    code, checks = doctor(DATABASE_URL=facade, GUIADO_HOST="0.0.0.0")
    (fault,) = [check for check in checks if check["check"] == "keys"]
    assert (code, fault["state"], states(checks)["port"]) == (1, "bad", "good")
    assert "guiado keys create --name servidor" in fault["remedy"]
    assert run(["keys", "create", "--name", "servidor"]) == 0
    capfd.readouterr()
    assert states(doctor(DATABASE_URL=facade, GUIADO_HOST="0.0.0.0")[1])["keys"] == "good"


def test_a_serving_process_neither_starts_nor_stops_its_database_to_look_at_it(home):
    settings, server = read_settings(), EmbeddedPostgres(home, pg_bin=wheel_binaries())
    found = {finding.check: finding.state for finding in look_while_serving(settings)}
    assert (found["database"], server.status().running) == ("bad", False)
    server.join()
    try:
        begun = server.status().pid
        found = {finding.check: finding.state for finding in look_while_serving(settings)}
        assert (found["latency"], "database" in found) == ("good", False)
        assert server.status().pid == begun
    finally:
        server.leave()


def test_a_misspelt_setting_is_named_with_the_right_one(doctor, tmp_path, home):
    (tmp_path / ".env").write_text("SLACK_WEBHOOK_ULR=https://example.com\nOTRA_COSA=1\n")
    code, checks = doctor()
    doubts = [check for check in checks if check["state"] == "doubtful"]
    assert code == 0
    assert [(doubt["what"].split()[0], doubt["remedy"]) for doubt in doubts] == [
        ("SLACK_WEBHOOK_ULR", "Quizá querías escribir SLACK_WEBHOOK_URL.")
    ]


def test_an_embedded_database_that_cannot_start_is_explained(doctor, home):
    with (home / "postgres/data/postgresql.conf").open("a") as settings:
        settings.write("max_connections = muchas\n")
    code, checks = doctor()
    assert code == 1
    (fault,) = [check for check in checks if check["state"] == "bad"]
    assert "max_connections" in fault["what"]
    assert "postgresql.conf" in fault["remedy"]


def test_a_database_that_does_not_answer_is_explained(doctor):
    code, checks = doctor(DATABASE_URL="postgresql://a@127.0.0.1:1/x")
    assert code == 1
    (fault,) = [check for check in checks if check["state"] == "bad"]
    assert fault["check"] == "database"


def test_what_a_killed_server_leaves_behind_is_no_fault(doctor, home):
    server = EmbeddedPostgres(home, pg_bin=wheel_binaries())
    (home / "postgres/data/postmaster.pid").write_text("999999\n/x\n0\n5432\n/x\n\n\nready\n")
    code, checks = doctor()
    assert (code, states(checks)["server"]) == (0, "doubtful")
    assert not server.status().running


def looks(home):
    return {finding.check: finding.state for finding in look_at_home(home, wheel_binaries())}


def test_a_home_is_looked_at_before_it_exists(tmp_path):
    found = looks(tmp_path / "new")
    assert (found["home"], found["data"]) == ("good", "good")
    (tmp_path / "file").touch()
    assert looks(tmp_path / "file/new")["home"] == "bad"
    assert not (tmp_path / "new").exists()


def test_what_endangers_a_home_is_found(home, monkeypatch):
    with exclusive(home / "start.lock", 0):
        assert looks(home)["locks"] == "doubtful"
    os.truncate(home / "postgres/postgres.log", 60_000_000)
    assert looks(home)["log"] == "doubtful"
    for free, state in ((100_000_000, "bad"), (900_000_000, "doubtful"), (2_000_000_000, "good")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _folder, free=free: shutil._ntuple_diskusage(10**10, 10**10, free))
        assert looks(home)["disk"] == state


def test_a_server_that_takes_no_connections_yet_is_found(home):
    server = EmbeddedPostgres(home, pg_bin=wheel_binaries())
    server.join()
    try:
        file = home / "postgres/data/postmaster.pid"
        state = file.read_text()
        assert looks(home)["server"] == "good"
        file.write_text(state.replace("ready", "starting"))
        assert looks(home)["server"] == "doubtful"
        file.write_text(state)
    finally:
        server.leave()
