"""Several at once: answers, keys, migrations and workers, on a real database."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from guiado import clock, server
from guiado.app import commands
from guiado.app.context import AppContext, Scope, UnitOfWork
from guiado.app.idempotency import key_of, once, request_hash
from guiado.app.jobs import Job
from guiado.app.maintenance import JOBS, retain
from guiado.app.sessions import answer, escalate, start
from guiado.domain.session import Outcome, Session, Status
from guiado.errors import Conflict, DatabaseUnavailable, KeyReused, SchemaMismatch, SessionEnded, StaleSession, WrongStep
from guiado.resources import data_path
from guiado.scheduler import Worker
from guiado.settings import read_settings
from guiado.store import migrate as migrations
from guiado.store import sessions
from guiado.store.database import Database
from guiado.store.migrate import SCHEMA_FILES, applied, migrate, schema_files
from guiado.wiring import Runtime

CALLER = Scope(channel="api")
DONE = commands.AnswerStep(success=True, step_number=1)
NO_USE = commands.AnswerStep(success=True, step_number=1, outcome=Outcome.NOT_HELPED)
COULD_NOT = commands.AnswerStep(success=False, step_number=1)


@asynccontextmanager
async def running(dsn: str) -> AsyncGenerator[Runtime]:
    runtime = await Runtime.open(read_settings(DATABASE_URL=dsn))
    try:
        yield runtime
    finally:
        await runtime.close()


async def begin(runtime: Runtime, words: str = "No puedo instalar el software") -> Session:
    command = commands.Start(problem_description=words, customer_email="a@example.com")
    async with runtime.parts.db.transaction() as connection:
        return (await start.start(runtime.parts.work(connection, CALLER), runtime.knowledge, command)).session


async def say(runtime: Runtime, session: Session, command: commands.AnswerStep) -> answer.Answered | Conflict:
    try:
        async with runtime.parts.db.transaction() as connection:
            return await answer.answer(runtime.parts.work(connection, CALLER), session.session_id, command)
    except Conflict as error:
        return error


async def sql(runtime: Runtime, query: str, *arguments: object) -> list[Any]:
    async with runtime.parts.db.connection() as connection:
        return await connection.fetch(query, *arguments)


async def one(runtime: Runtime, query: str, *arguments: object) -> Any:
    return (await sql(runtime, query, *arguments))[0][0]


def run(dsn: str, scenario: Callable[[Runtime], Coroutine[Any, Any, None]]) -> None:
    async def inside() -> None:
        async with running(dsn) as runtime:
            await scenario(runtime)

    asyncio.run(inside())


ATTEMPTS = "SELECT count(*) FROM support_troubleshooting_attempts WHERE session_id::text = $1"
STATE = (
    "SELECT attempts, current_step, failures, version, status FROM support_troubleshooting_sessions WHERE session_id::text = $1"
)


# ----------------------------------------------------------------------------------------------------------------- answers


def test_of_two_different_answers_to_one_step_one_wins(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        for _ in range(10):
            session = await begin(runtime)
            results = await asyncio.gather(say(runtime, session, DONE), say(runtime, session, NO_USE))
            won = [result for result in results if isinstance(result, answer.Answered)]
            lost = [result for result in results if not isinstance(result, answer.Answered)]
            assert len(won) == 1
            assert {type(error) for error in lost} <= {WrongStep, StaleSession}
            assert await one(runtime, ATTEMPTS, session.session_id) == 1
            stored = await one(
                runtime, "SELECT outcome FROM support_troubleshooting_attempts WHERE session_id::text = $1", session.session_id
            )
            assert stored == won[0].outcome

    run(dsn, scenario)


def test_the_same_answer_twenty_times_at_once_is_one_attempt(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        session = await begin(runtime)
        results = await asyncio.gather(*(say(runtime, session, DONE) for _ in range(20)))
        assert all(isinstance(result, answer.Answered) for result in results), results
        assert len({result.attempt.attempt_id for result in results}) == 1
        assert {(result.action, result.outcome) for result in results} == {("continue", "done")}
        assert await one(runtime, ATTEMPTS, session.session_id) == 1
        told = "SELECT count(*) FROM support_troubleshooting_outbox WHERE session_id::text = $1 AND event = 'step_completed'"
        assert await one(runtime, told, session.session_id) == 1

    run(dsn, scenario)


def test_failures_at_once_are_all_recorded_and_call_a_person_once(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        session = await begin(runtime)
        results = await asyncio.gather(*(say(runtime, session, COULD_NOT) for _ in range(10)))
        assert all(isinstance(result, answer.Answered) for result in results), results
        state = (await sql(runtime, STATE, session.session_id))[0]
        assert tuple(state) == (10, 0, 10, 11, "needs_escalation")
        told = "SELECT count(*) FROM support_troubleshooting_outbox WHERE session_id::text = $1 AND event = 'session_escalated'"
        assert await one(runtime, told, session.session_id) == 1

    run(dsn, scenario)


def test_answers_without_a_step_number_never_pass_a_step_that_nobody_saw(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        session = await begin(runtime)
        results = await asyncio.gather(*(say(runtime, session, commands.AnswerStep(success=True)) for _ in range(8)))
        taken = sum(isinstance(result, answer.Answered) for result in results)
        assert {type(result) for result in results} <= {answer.Answered, StaleSession, SessionEnded}
        state = (await sql(runtime, STATE, session.session_id))[0]
        assert (state["attempts"], state["current_step"], await one(runtime, ATTEMPTS, session.session_id)) == (
            taken,
            taken,
            taken,
        )

    run(dsn, scenario)


def test_an_answer_and_an_escalation_at_once_leave_one_history(dsn: str) -> None:
    async def ask(runtime: Runtime, session: Session) -> None:
        async with runtime.parts.db.transaction() as connection:
            await escalate.escalate(runtime.parts.work(connection, CALLER), session.session_id, commands.Escalate(reason="Prisa"))

    async def scenario(runtime: Runtime) -> None:
        for _ in range(10):
            session = await begin(runtime)
            await asyncio.gather(say(runtime, session, COULD_NOT), ask(runtime, session), say(runtime, session, COULD_NOT))
            state = (await sql(runtime, STATE, session.session_id))[0]
            assert state["status"] == "escalated"
            assert state["attempts"] == state["failures"] == await one(runtime, ATTEMPTS, session.session_id)
            told = (
                "SELECT count(*) FROM support_troubleshooting_outbox WHERE session_id::text = $1 AND event = 'session_escalated'"
            )
            assert await one(runtime, told, session.session_id) == 1

    run(dsn, scenario)


# -------------------------------------------------------------------------------------------------------------------- keys


def test_one_key_has_one_effect_and_one_answer(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        session = await begin(runtime)

        async def fail(work: UnitOfWork) -> dict[str, Any]:
            done = await answer.answer(work, session.session_id, COULD_NOT)
            return {"attempt": done.attempt.attempt_id, "failures": done.session.failures}

        for race in range(20):
            told = await asyncio.gather(*(once(runtime.parts, CALLER, f"k{race}", "h", fail) for _ in range(50)))
            assert told == [told[0]] * 50
            assert told[0]["failures"] == race + 1
        assert await one(runtime, ATTEMPTS, session.session_id) == 20

    run(dsn, scenario)


def test_a_key_with_another_body_is_refused(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        effects: list[str] = []

        def doing(name: str) -> Callable[[UnitOfWork], Awaitable[str]]:
            async def action(work: UnitOfWork) -> str:
                effects.append(name)
                await work.connection.fetchval("SELECT pg_sleep(0.01)")
                return name

            return action

        first, second = request_hash(b"POST", b"a"), request_hash(b"POST", b"b")
        both = await asyncio.gather(
            once(runtime.parts, CALLER, "k", first, doing("a")),
            once(runtime.parts, CALLER, "k", second, doing("b")),
            return_exceptions=True,
        )
        assert len(effects) == 1
        assert [result for result in both if isinstance(result, str)] == effects
        assert [type(result) for result in both if not isinstance(result, str)] == [KeyReused]

    run(dsn, scenario)


def test_work_that_failed_leaves_its_key_free(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        async def broken(_work: UnitOfWork) -> str:
            raise StaleSession

        async def good(_work: UnitOfWork) -> str:
            return "bien"

        with pytest.raises(StaleSession):
            await once(runtime.parts, CALLER, "k", "h", broken)
        assert await once(runtime.parts, CALLER, "k", "h", good) == "bien"
        assert await once(runtime.parts, CALLER, "k", "h", broken) == "bien"

    run(dsn, scenario)


# -------------------------------------------------------------------------------------------------------------- migrations


async def by_hand(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for name in SCHEMA_FILES:
            await connection.execute(data_path("db", name).read_text("utf-8"))
    finally:
        await connection.close()


async def check_schema(dsn: str) -> None:
    assert await applied(dsn) == {file.name: file.checksum for file in schema_files()}
    assert await migrate(dsn) == []
    async with running(dsn) as runtime:
        session = await begin(runtime)
        assert isinstance(await say(runtime, session, DONE), answer.Answered)
        configured = await one(runtime, "SELECT count(*) FROM support_troubleshooting_config")
        assert configured == await one(runtime, "SELECT count(DISTINCT config_key) FROM support_troubleshooting_config") >= 6


def test_several_starts_at_once_on_an_empty_database(empty_dsn: str) -> None:
    async def scenario() -> None:
        ran = await asyncio.gather(*(migrate(empty_dsn) for _ in range(4)))
        assert sorted(len(names) for names in ran) == [0, 0, 0, len(schema_files())]
        await check_schema(empty_dsn)

    asyncio.run(scenario())


@pytest.mark.parametrize("order", ["before", "after", "meanwhile"])
def test_files_that_were_run_by_hand_do_no_harm(empty_dsn: str, order: str) -> None:
    async def scenario() -> None:
        if order == "before":
            await by_hand(empty_dsn)
        if order == "meanwhile":
            await asyncio.gather(by_hand(empty_dsn), migrate(empty_dsn), by_hand(empty_dsn))
        await migrate(empty_dsn)
        if order == "after":
            await by_hand(empty_dsn)
            await by_hand(empty_dsn)
        await check_schema(empty_dsn)

    asyncio.run(scenario())


def test_the_database_of_a_newer_version_is_left_alone(dsn: str) -> None:
    async def scenario() -> None:
        async with running(dsn) as runtime:
            await sql(runtime, "SET ROLE NONE")
            connection = await asyncpg.connect(dsn)
            await connection.execute(
                "INSERT INTO support_schema_migrations (name, checksum) VALUES ('migrations/9999_nueva.sql', 'x')"
            )
            await connection.close()
        with pytest.raises(SchemaMismatch, match="9999_nueva"):
            await migrate(dsn)

    asyncio.run(scenario())


def _migration(text: str) -> migrations.SchemaFile:
    return migrations.SchemaFile("migrations/0001_prueba.sql", text, hashlib.sha256(text.encode()).hexdigest())


def test_a_migration_is_applied_whole_or_not_at_all_and_never_changes(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = schema_files()

    async def scenario(text: str) -> list[str]:
        monkeypatch.setattr(migrations, "schema_files", lambda: [*files, _migration(text)])
        return await migrate(dsn)

    with pytest.raises(DatabaseUnavailable, match="nada"):
        asyncio.run(scenario("CREATE TABLE prueba (); SELECT nada;"))
    assert asyncio.run(scenario("CREATE TABLE prueba ();")) == ["migrations/0001_prueba.sql"]
    assert asyncio.run(scenario("CREATE TABLE prueba ();")) == []
    with pytest.raises(SchemaMismatch, match=r"0001_prueba\.sql cambió"):
        asyncio.run(scenario("CREATE TABLE otra ();"))


def test_who_waits_too_long_for_another_migration_is_told(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "_WAIT_S", 0.01)

    async def scenario() -> None:
        other = await asyncpg.connect(empty_dsn)
        await other.execute("SELECT pg_advisory_lock($1)", migrations._LOCK)
        try:
            await migrate(empty_dsn)
        finally:
            await other.close()

    with pytest.raises(DatabaseUnavailable, match="Otro proceso"):
        asyncio.run(scenario())


# ------------------------------------------------------------------------------------------------------------- connections


def test_many_who_come_at_once_ask_for_the_address_once_and_close_leaves_no_connection(dsn: str) -> None:
    asked = []

    async def find() -> str:
        asked.append(dsn)
        await asyncio.sleep(0)
        return dsn

    async def scenario() -> None:
        db = Database(find)

        async def say() -> None:
            async with db.connection() as connection:
                await connection.fetchval("SELECT 1")

        await asyncio.gather(*(say() for _ in range(4)))
        async with db.connection() as late, db.connection() as broken:
            await db.close()
            await broken.execute("SELECT 1")
            await late.execute("SELECT 1")
        own = await asyncpg.connect(dsn)
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'guiado' AND datname = current_database()"
        deadline = clock.monotonic_s() + 10
        while await own.fetchval(count):
            assert clock.monotonic_s() < deadline
            await asyncio.sleep(0.01)
        await own.close()

    asyncio.run(scenario())
    assert asked == [dsn]


def test_a_database_that_stays_away_is_said_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guiado.store.database._RECOVERY_S", 0.1)

    async def scenario() -> None:
        async def find() -> str:
            return "postgresql://a@127.0.0.1:1/x"

        async with Database(find).connection():
            raise AssertionError

    with pytest.raises(DatabaseUnavailable):
        asyncio.run(scenario())


# ----------------------------------------------------------------------------------------------------------------- workers

ABANDON = {"abandon_idle_sessions": JOBS["abandon_idle_sessions"]}
STATUS = "SELECT status FROM support_troubleshooting_sessions WHERE session_id::text = $1"


async def age(runtime: Runtime, session: Session, hours: float) -> None:
    await sql(
        runtime,
        """UPDATE support_troubleshooting_sessions s
              SET updated_at = earlier.at, started_at = least(s.started_at, earlier.at)
             FROM (SELECT now() - make_interval(secs => 3600 * $2::float8) AS at) AS earlier
            WHERE s.session_id::text = $1""",
        session.session_id,
        hours,
    )


async def make_due(runtime: Runtime) -> None:
    await sql(runtime, "UPDATE support_troubleshooting_schedule SET next_at = now() - interval '1 second'")


async def configure(runtime: Runtime, key: str, json: str) -> None:
    changed = await sql(
        runtime,
        "UPDATE support_troubleshooting_config SET config_value = $2::text::jsonb WHERE config_key = $1 RETURNING 1",
        key,
        json,
    )
    assert changed


def test_sessions_that_nobody_touched_are_abandoned_and_those_that_wait_for_a_person_are_not(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        idle, active, going, waiting, unknown = [
            await begin(runtime, w) for w in ["No puedo instalar el software"] * 4 + ["xyzzy plugh"]
        ]
        await say(runtime, going, DONE)
        for _ in range(2):
            await say(runtime, waiting, COULD_NOT)
        for session in (idle, going, waiting, unknown):
            await age(runtime, session, 24.1)
        await age(runtime, active, 23.9)
        assert await Worker(runtime.parts, "w1", ABANDON).run_due() == ["abandon_idle_sessions"]
        found = [await one(runtime, STATUS, session.session_id) for session in (idle, active, going, waiting, unknown)]
        assert found == ["abandoned", "started", "abandoned", "needs_escalation", "needs_escalation"]
        told = "SELECT session_id::text FROM support_troubleshooting_outbox WHERE event = 'session_abandoned'"
        assert {row[0] for row in await sql(runtime, told)} == {idle.session_id, going.session_id}
        assert isinstance(await say(runtime, idle, DONE), SessionEnded)

    run(dsn, scenario)


def test_sessions_that_nobody_took_over_expire_with_their_event_and_not_before(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        early, late, unknown, long_ago = [
            await begin(runtime, w) for w in ["No puedo instalar el software"] * 2 + ["xyzzy plugh"] * 2
        ]
        for session in (early, late):
            for _ in range(2):
                await say(runtime, session, COULD_NOT)
        for session, days in ((early, 29.9), (late, 30.1), (unknown, 30.1), (long_ago, 400)):
            await age(runtime, session, 24 * days)
        assert await escalate.abandon_idle(runtime.parts) == 3
        how = "SELECT status || ' ' || coalesce(ended_how, '') FROM support_troubleshooting_sessions WHERE session_id::text = $1"
        found = [await one(runtime, how, session.session_id) for session in (early, late, unknown, long_ago)]
        assert found == ["needs_escalation ", *["abandoned expired"] * 3]
        told = "SELECT session_id::text, data->>'ended_how' FROM support_troubleshooting_outbox WHERE event = 'session_abandoned'"
        assert {tuple(row) for row in await sql(runtime, told)} == {(s.session_id, "expired") for s in (late, unknown, long_ago)}
        await configure(runtime, "waiting_days", "29")
        assert await escalate.abandon_idle(runtime.parts) == 1

    run(dsn, scenario)


def test_thousands_that_wait_expire_in_one_run(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        await sql(
            runtime,
            """INSERT INTO support_troubleshooting_sessions
                   (session_id, customer_email, problem_description, status, escalation_reason, started_at, updated_at)
               SELECT md5(n::text)::uuid, 'a@example.com', 'x y', 'needs_escalation', 'x', at, at
                 FROM generate_series(1, 1201) n, (SELECT now() - interval '40 days' AS at) AS long_ago""",
        )
        assert await escalate.abandon_idle(runtime.parts) == 1201

    run(dsn, scenario)


@pytest.mark.parametrize("off", [timedelta(days=2), timedelta(days=-2), timedelta(minutes=3)])
def test_a_worker_with_a_wrong_clock_does_no_periodic_work_and_says_so(
    dsn: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, off: timedelta
) -> None:
    async def scenario(runtime: Runtime) -> None:
        fresh = await begin(runtime)
        right = clock.now
        worker = Worker(runtime.parts, "w1", JOBS)
        with monkeypatch.context() as patch:
            patch.setattr(clock, "now", lambda: right() + off)
            # Whatever it would do: the database's clock says who was left alone.
            assert await escalate.abandon_idle(runtime.parts) == 0
            assert [await worker.run_due() for _ in range(3)] == [[], [], []]
            assert [record.getMessage().split()[0] for record in caplog.records if record.levelname == "ERROR"] == [
                "clock_differs"
            ]
            note = await one(runtime, "SELECT last_error FROM support_troubleshooting_schedule WHERE job = 'clock:w1'")
            assert abs(int(note) - off.total_seconds()) <= 2
        assert await one(runtime, STATUS, fresh.session_id) == "started"
        assert "abandon_idle_sessions" in await worker.run_due()
        assert await sql(runtime, "SELECT 1 FROM support_troubleshooting_schedule WHERE job LIKE 'clock:%'") == []

    run(dsn, scenario)


async def stopped(dsn: str, worker: Worker, statement: str) -> float:
    """Seconds until a worker that is told to stop has stopped, once this statement runs in the server."""
    running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()"
    watch, task = await asyncpg.connect(dsn), asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(20):
            while not await watch.fetchval(running, f"%{statement}%"):
                await asyncio.sleep(0.01)
        begun = clock.monotonic_s()
        worker.stop()
        await asyncio.wait_for(task, 30)
        took_s = clock.monotonic_s() - begun
        assert not await watch.fetchval(running, f"%{statement}%"), "it goes on in the server"
        return took_s
    finally:
        await watch.close()


@pytest.mark.parametrize("in_transaction", [True, False])
def test_a_stopped_worker_breaks_off_what_takes_long_in_the_server_too(
    dsn: str, monkeypatch: pytest.MonkeyPatch, in_transaction: bool
) -> None:
    monkeypatch.setattr("guiado.scheduler._GRACE_S", 0.2)

    async def scenario(runtime: Runtime) -> None:
        async def sleep(parts: AppContext) -> int:
            async with parts.db.transaction() if in_transaction else parts.db.connection() as connection:
                await connection.fetch("SELECT pg_sleep(600)", timeout=900)
            return 0

        assert await stopped(dsn, Worker(runtime.parts, "w", {"a": Job(3600, 300, sleep)}), "pg_sleep(600)") < 5
        # Whoever is free goes on with it.
        due = "SELECT leased_by IS NULL AND next_at <= now() FROM support_troubleshooting_schedule WHERE job = 'a'"
        assert await one(runtime, due)

    run(dsn, scenario)


@pytest.mark.parametrize("name", ["refresh_views", "maintenance", "retention"])
def test_a_stopped_worker_waits_for_no_lock(dsn: str, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("guiado.scheduler._GRACE_S", 0.2)

    async def scenario(runtime: Runtime) -> None:
        await begin(runtime)  # a tenant of which nothing is stored has nothing to retain
        await sql(
            runtime, "INSERT INTO support_troubleshooting_config (config_key, config_value) VALUES ('retention_days', '30')"
        )
        async with runtime.parts.db.transaction() as holder:
            await holder.fetchval("SELECT pg_advisory_xact_lock(5207106)")
            statement = {"refresh_views": "refresh_", "maintenance": "maintenance_", "retention": "guiado_roll_up"}[name]
            assert await stopped(dsn, Worker(runtime.parts, "w", {name: JOBS[name]}), statement) < 5

    run(dsn, scenario)


def test_a_start_knows_whether_anybody_is_told_of_who_waits(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        assert not await server._is_anybody_told(runtime)
        add = "INSERT INTO support_webhooks (webhook_id, url, events) VALUES ('w', 'http://w.test', $1)"
        await sql(runtime, add, ["session_started"])
        assert not await server._is_anybody_told(runtime)
        await sql(runtime, "UPDATE support_webhooks SET events = '{session_escalated}'")
        assert await server._is_anybody_told(runtime)

    run(dsn, scenario)


def test_a_long_job_delays_no_other(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        over, others = asyncio.Event(), asyncio.Event()
        count = 0

        async def long(_parts: AppContext) -> int:
            await over.wait()
            return 0

        async def short(_parts: AppContext) -> int:
            nonlocal count
            count += 1
            if count == 2:
                others.set()
            return 0

        worker = Worker(runtime.parts, "w", {"largo": Job(60, 300, long), "corto": Job(0, 300, short)})
        task = asyncio.create_task(worker.run())
        await asyncio.wait_for(others.wait(), 10)
        over.set()
        worker.stop()
        await asyncio.wait_for(task, 10)

    run(dsn, scenario)


def test_a_routine_run_is_not_worth_a_line(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="guiado")

    async def scenario(runtime: Runtime) -> None:
        session = await begin(runtime)
        worker = Worker(runtime.parts, "w1", JOBS)
        assert set(await worker.run_due()) == set(JOBS)
        assert [record.getMessage() for record in caplog.records if "job" in record.getMessage()] == []
        await age(runtime, session, 48)
        await make_due(runtime)
        await worker.run_due()
        assert len([record for record in caplog.records if "abandon_idle_sessions" in record.getMessage()]) == 1

    run(dsn, scenario)


def test_a_task_of_the_upkeep_that_fails_is_kept_for_doctor(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        async with runtime.parts.db.transaction() as connection:
            await connection.execute("SET LOCAL ROLE NONE")
            await connection.execute("DROP MATERIALIZED VIEW mv_top_problems")
        await Worker(runtime.parts, "w1", {"maintenance": JOBS["maintenance"]}).run_due()
        said = await one(runtime, "SELECT last_error FROM support_troubleshooting_schedule WHERE job = 'maintenance'")
        assert "refresh_views" in said
        assert "mv_top_problems" in said

    run(dsn, scenario)


def test_what_ended_long_ago_is_deleted_once_somebody_says_how_long_it_is_kept(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        old, fresh, live = [await begin(runtime, "No puedo instalar el software") for _ in range(3)]
        for session, hours in ((old, 31 * 24), (fresh, 29 * 24), (live, 31 * 24)):
            await age(runtime, session, hours)
        for session in (old, fresh):
            await sql(
                runtime,
                "UPDATE support_troubleshooting_sessions SET status = 'resolved' WHERE session_id::text = $1",
                session.session_id,
            )
        retention = {"retention": JOBS["retention"]}
        kept = "SELECT session_id::text FROM support_troubleshooting_sessions"
        for json, count in (("", 3), ("0", 3), ('"no"', 3), ("30", 2)):
            if json:
                put = (
                    "INSERT INTO support_troubleshooting_config (config_key, config_value) VALUES ('retention_days', $1::text::jsonb)"
                    " ON CONFLICT (tenant_id, config_key) DO UPDATE SET config_value = excluded.config_value"
                )
                await sql(runtime, put, json)
            await make_due(runtime)
            assert await Worker(runtime.parts, "w1", retention).run_due() == ["retention"]
            assert len(await sql(runtime, kept)) == count
        assert {row[0] for row in await sql(runtime, kept)} == {fresh.session_id, live.session_id}

    run(dsn, scenario)


def test_two_workers_run_each_job_once_per_due_time(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        ran: Counter[str] = Counter()

        def counting(name: str) -> Job:
            async def work(_parts: AppContext) -> int:
                ran[name] += 1
                await asyncio.sleep(0)
                return 1

            return Job(60, 300, work)

        jobs = {name: counting(name) for name in ("a", "b", "c")}
        workers = [Worker(runtime.parts, f"w{number}", jobs) for number in range(2)]
        for turn in range(1, 11):
            done = await asyncio.gather(*(worker.run_due() for worker in workers))
            assert sorted(done[0] + done[1]) == ["a", "b", "c"]
            assert ran == dict.fromkeys("abc", turn)
            assert [await worker.run_due() for worker in workers] == [[], []]
            await make_due(runtime)

    run(dsn, scenario)


def test_a_job_that_fails_stops_no_other_and_says_why(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        async def broken(_parts: AppContext) -> int:
            raise ZeroDivisionError("nada")

        async def good(_parts: AppContext) -> int:
            return 1

        worker = Worker(runtime.parts, "w", {"mal": Job(60, 300, broken), "bien": Job(60, 300, good)})
        assert await worker.run_due() == ["mal", "bien"]
        stored = await sql(
            runtime,
            "SELECT job, last_error, leased_by FROM support_troubleshooting_schedule WHERE job IN ('mal', 'bien') ORDER BY job",
        )
        assert [tuple(row) for row in stored] == [("bien", None, None), ("mal", "ZeroDivisionError: nada", None)]

    run(dsn, scenario)


def test_who_works_longer_than_its_lease_keeps_the_job(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        begun, over = asyncio.Event(), asyncio.Event()

        async def work(_parts: AppContext) -> int:
            begun.set()
            await over.wait()
            return 0

        async def lease() -> Any:
            (row,) = await sql(runtime, "SELECT leased_until, now() AS now FROM support_troubleshooting_schedule WHERE job = 'a'")
            return row

        jobs = {"a": Job(60, 2.0, work)}
        running = asyncio.create_task(Worker(runtime.parts, "w1", jobs).run_due())
        await asyncio.wait_for(begun.wait(), 10)
        first = (await lease())["leased_until"]
        async with asyncio.timeout(20):
            while (await lease())["now"] < first:
                await asyncio.sleep(0.05)
        await sql(runtime, "UPDATE support_troubleshooting_schedule SET next_at = now()")
        assert await Worker(runtime.parts, "w2", jobs).run_due() == []
        over.set()
        assert await asyncio.wait_for(running, 10) == ["a"]
        assert (await lease())["leased_until"] is None

    run(dsn, scenario)


def test_a_worker_runs_until_it_is_stopped(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        ran = asyncio.Event()

        async def work(_parts: AppContext) -> int:
            ran.set()
            return 0

        worker = Worker(runtime.parts, "w", {"a": Job(60, 300, work)})
        task = asyncio.create_task(worker.run())
        await asyncio.wait_for(ran.wait(), 10)
        worker.stop()
        await asyncio.wait_for(task, 10)

    run(dsn, scenario)


def test_a_customer_who_comes_back_while_the_worker_looks_is_not_abandoned(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(runtime: Runtime) -> None:
        session = await begin(runtime)
        await age(runtime, session, 48)
        really_idle = sessions.idle

        async def idle_then_back(*arguments: Any) -> list[sessions.Loaded]:
            found = await really_idle(*arguments)
            assert [loaded.session.session_id for loaded in found] == [session.session_id]
            assert isinstance(await say(runtime, session, DONE), answer.Answered)
            return found

        monkeypatch.setattr(sessions, "idle", idle_then_back)
        assert await escalate.abandon_idle(runtime.parts) == 0
        assert await one(runtime, STATUS, session.session_id) == "in_progress"

    run(dsn, scenario)


def test_a_setting_that_is_no_sensible_number_stops_nothing(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        for dirty in ('"abc"', "null", "true", "[]", "{}", '"24"', "1e300", "1e400", "-5"):
            await configure(runtime, "auto_escalate_after_failures", dirty)
            await configure(runtime, "max_session_duration_hours", dirty)
            session = await begin(runtime)
            result = await say(runtime, session, COULD_NOT)
            assert isinstance(result, answer.Answered), dirty
            # A number that is too small or too large still says what is wanted; what is no number means the default.
            assert (result.session.status is Status.NEEDS_ESCALATION) == (dirty == "-5"), dirty
            await age(runtime, session, 25)
            assert await escalate.abandon_idle(runtime.parts) == (dirty not in {"1e300", "1e400", "-5"}), dirty
            await age(runtime, session, 0)

    run(dsn, scenario)


def test_days_that_are_no_sensible_number_end_and_delete_nothing(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        waiting, ended = await begin(runtime), await begin(runtime)
        await sql(runtime, "INSERT INTO support_troubleshooting_config (config_key, config_value) VALUES ('retention_days', '0')")
        for _ in range(2):
            await say(runtime, waiting, COULD_NOT)
        await say(runtime, ended, commands.AnswerStep(success=True, step_number=1, outcome=Outcome.SOLVED))
        assert await one(runtime, STATUS, waiting.session_id) == "needs_escalation"
        for dirty in ("0", "-1", "0.5", "1e9", "1e400", "-1e400", '"x"', '"30"', "null", "true", "[]", "{}"):
            await configure(runtime, "waiting_days", dirty)
            await configure(runtime, "retention_days", dirty)
            assert await escalate.abandon_idle(runtime.parts) == 0, dirty
            assert await retain(runtime.parts) == 0, dirty
        assert await one(runtime, STATUS, waiting.session_id) == "needs_escalation"
        assert await one(runtime, STATUS, ended.session_id) == "resolved"

    run(dsn, scenario)


def test_time_is_never_negative_in_what_is_stored(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(runtime: Runtime) -> None:
        session = await begin(runtime)
        earlier = clock.now().replace(year=2020)
        monkeypatch.setattr(clock, "now", lambda: earlier)
        result = await say(runtime, session, DONE)
        assert isinstance(result, answer.Answered)
        stored = await sql(runtime, "SELECT duration_seconds FROM support_troubleshooting_attempts")
        assert [round(row[0], 3) for row in stored] == [0.0]

    run(dsn, scenario)


def test_the_same_key_of_two_callers_is_two_keys(dsn: str) -> None:
    async def scenario(runtime: Runtime) -> None:
        async def named(work: UnitOfWork) -> str:
            return work.scope.caller

        for _ in range(2):
            scopes = [Scope(caller=caller) for caller in ("", "tienda", "banco")]
            told = [await once(runtime.parts, scope, key_of(scope, "1"), "h", named) for scope in scopes]
            assert told == ["", "tienda", "banco"]

    run(dsn, scenario)
