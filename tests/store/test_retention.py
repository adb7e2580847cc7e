"""Retention: what ended long ago goes, a batch at a time, with everything personal that hangs on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from guiado.app.context import AppContext
from guiado.app.maintenance import retain
from guiado.store.database import Database

_FILL = """
WITH s AS (
    INSERT INTO support_troubleshooting_sessions
        (session_id, customer_email, problem_description, detected_problem_id, status, started_at, updated_at, resolved_at, ended_at)
    SELECT gen_random_uuid(), 'c' || n || '@example.com', 'No puedo entrar', 'recuperar_cuenta', 'resolved', at, at, at, at
      FROM (SELECT n, now() - interval '60 days' - make_interval(mins => n) AS at FROM generate_series(1, $1) n) x
    RETURNING session_id, started_at
), o AS (
    INSERT INTO support_troubleshooting_outbox (event_id, session_id, event, data, occurred_at)
    SELECT gen_random_uuid(), s.session_id, 'step_completed', '{}', s.started_at FROM s, generate_series(1, 5)
    RETURNING event_id, occurred_at
)
INSERT INTO support_webhook_events (id, webhook_id, event_id, event, success, sent_at)
SELECT gen_random_uuid(), 'w', o.event_id, 'step_completed', true, o.occurred_at FROM o
"""
_COUNTS = """SELECT (SELECT count(*) FROM support_troubleshooting_sessions), (SELECT count(*) FROM support_troubleshooting_outbox),
                    (SELECT count(*) FROM support_webhook_events)"""


def on(dsn: str, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def clean_by_hand(dsn: str, sessions: int) -> float:
    """Seconds that the function of the guide takes for so many sessions, in the little memory that PostgreSQL 12 gives by default."""

    async def check(db: asyncpg.Connection) -> float:
        await db.execute(_FILL, sessions)
        await db.execute("ANALYZE")
        await db.execute("SET work_mem = '64kB'")  # a large array does not fit: what looks through it for each row is found out
        begun = time.monotonic()
        rows = await db.fetch("SELECT * FROM cleanup_old_troubleshooting_data(30)", timeout=600)
        took_s = time.monotonic() - begun
        deleted = {row["table_name"]: row["deleted"] for row in rows}
        assert deleted["support_troubleshooting_sessions"] == sessions
        assert deleted["support_troubleshooting_outbox"] == deleted["support_webhook_events"] == 5 * sessions
        assert tuple(await db.fetchrow(_COUNTS)) == (0, 0, 0)
        kept = await db.fetchval(
            "SELECT sum(total_sessions) FROM guiado_daily(now() - interval '400 days', now()) WHERE problem_id = '*'"
        )
        assert kept == sessions
        return took_s

    return on(dsn, check)


def test_three_thousand_sessions_go_in_the_time_of_three_thousand(dsn: str) -> None:
    assert clean_by_hand(dsn, 3_000) < 15


@pytest.mark.long
@pytest.mark.timeout(900)
def test_sixty_thousand_sessions_go_in_the_time_of_sixty_thousand(dsn: str) -> None:
    assert clean_by_hand(dsn, 60_000) < 240


# ----------------------------------------------------------------------------------------------------------- what is personal

_SESSION = """INSERT INTO support_troubleshooting_sessions
    (session_id, customer_email, problem_description, status, ticket_id, started_at, updated_at, ended_at)
    VALUES (gen_random_uuid(), 'ana@example.com', 'Soy Ana y no puedo entrar', $1, $2, now() - make_interval(days => $3),
            now() - make_interval(days => $3), now()) RETURNING session_id"""
_TICKET = """INSERT INTO support_tickets (ticket_id, customer_email, customer_name, description, session_id, updated_at)
    VALUES ($1, 'ana@example.com', 'Ana', 'Soy Ana', $2, now() - make_interval(days => $3))"""


def test_a_ticket_goes_with_the_last_session_that_names_it(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        old = await db.fetchval(_SESSION, "escalated", "vieja", 60)
        shared = await db.fetchval(_SESSION, "escalated", "compartido", 60)
        await db.fetchval(_SESSION, "resolved", "compartido", 1)
        living = await db.fetchval(_SESSION, "needs_escalation", "viva", 60)
        gone = "00000000-0000-7000-8000-000000000001"
        for ticket, session, days in (
            ("vieja", old, 0), ("compartido", shared, 60), ("viva", living, 60), ("ajeno", None, 60), ("huérfano", gone, 60),
            ("reciente", gone, 1),
        ):  # fmt: skip
            await db.execute(_TICKET, ticket, session, days)
        rows = await db.fetch("SELECT * FROM cleanup_old_troubleshooting_data(30)")
        assert {row["table_name"]: row["deleted"] for row in rows}["support_tickets"] == 2
        left = {row[0] for row in await db.fetch("SELECT ticket_id FROM support_tickets")}
        assert left == {"compartido", "viva", "ajeno", "reciente"}
        await db.execute("UPDATE support_troubleshooting_sessions SET updated_at = now() - interval '90 days'")
        await db.execute("SELECT cleanup_old_troubleshooting_data(30)")
        left = {row[0] for row in await db.fetch("SELECT ticket_id FROM support_tickets")}
        assert left == {"viva", "ajeno", "reciente"}

    on(dsn, check)


_TRACES = """INSERT INTO support_troubleshooting_outbox (event_id, session_id, event, data)
    VALUES ($1, $1, 'x', '{"e": "ana@example.com"}');
INSERT INTO support_troubleshooting_deliveries (delivery_id, event_id, destination) VALUES ($1, $1, 'w');
INSERT INTO support_troubleshooting_notifications (id, session_id, notification_type, recipient, message)
    VALUES ($1, $1, 'x', 'ana@example.com', 'Hola, Ana');
INSERT INTO support_troubleshooting_attempts (id, session_id, step_number, success, notes) VALUES ($1, $1, 1, true, 'soy ana');
INSERT INTO support_troubleshooting_feedback (id, session_id, rating, customer_email) VALUES ($1, $1, 5, 'ana@example.com');
INSERT INTO support_troubleshooting_learning (id, session_id, kind, source, text) VALUES ($1, $1, 'example', 'customer', 'ana');
INSERT INTO support_session_attachments (attachment_id, session_id, step_id, media_type, width, height, size_bytes, content)
    VALUES ($1, $1, 'ana', 'image/png', 1, 1, 1, 'x');
INSERT INTO support_webhook_events (id, webhook_id, event_id, event, success, response_body)
    VALUES ($1, 'w', $1, 'x', false, 'no conozco a ana@example.com');
INSERT INTO support_troubleshooting_idempotency (key, request_hash, answer, created_at)
    VALUES ($1::uuid::text, 'h', '{"e": "ana@example.com"}', now() - interval '60 days');
INSERT INTO support_troubleshooting_audit_log (audit_id, at, actor, action, object_type)
    VALUES ($1, now() - interval '60 days', 'ana@example.com', 'a', 'o');
INSERT INTO support_troubleshooting_ml_training (id, session_id, text, customer_id, status)
    VALUES ($1, $1, 'x y', 'ana', 'accepted')"""


def test_nothing_that_names_the_customer_is_left_of_an_old_session(dsn: str) -> None:
    """Whatever table it is in: every text column of every table of ours is looked through."""

    async def check(db: asyncpg.Connection) -> None:
        session = await db.fetchval(_SESSION, "resolved", "T-1", 60)
        await db.execute(_TICKET, "T-1", session, 60)
        await db.execute(
            "INSERT INTO support_webhooks (webhook_id, url, events, enabled) VALUES ('w', 'http://w.test', '{x}', false)"
        )
        for statement in _TRACES.split(";\n"):
            await db.execute(statement, session)
        assert len(await _naming(db, "ana")) == 13
        await db.execute("SELECT cleanup_old_troubleshooting_data(30)")
        assert await _naming(db, "ana") == []

    on(dsn, check)


def test_a_message_that_nothing_ever_sent_goes_too(dsn: str) -> None:
    """The channel was never set up; what is being sent right now, or belongs to a session that goes on, stays."""
    insert = """INSERT INTO support_troubleshooting_notifications
        (id, session_id, notification_type, recipient, message, created_at, due_at, leased_until)
        VALUES (gen_random_uuid(), $1, $2, 'ana@example.com', 'Hola', now() - make_interval(days => $3), now(), $4::timestamptz)"""

    async def check(db: asyncpg.Connection) -> None:
        living = await db.fetchval(_SESSION, "needs_escalation", "viva", 60)
        soon = await db.fetchval("SELECT now() + interval '1 minute'")
        for session, name, days, lease in (
            (None, "vieja", 60, None), (None, "nueva", 1, None), (None, "saliendo", 60, soon), (living, "viva", 60, None),
        ):  # fmt: skip
            await db.execute(insert, session, name, days, lease)
        await db.execute("SELECT cleanup_old_troubleshooting_data(30)")
        left = {row[0] for row in await db.fetch("SELECT notification_type FROM support_troubleshooting_notifications")}
        assert left == {"nueva", "saliendo", "viva"}

    on(dsn, check)


async def _naming(db: asyncpg.Connection, word: str) -> list[str]:
    tables = await db.fetch("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname LIKE 'support\\_%' ORDER BY 1")
    return [
        name for (name,) in tables if await db.fetchval(f"SELECT count(*) FROM {name} t WHERE t::text ~* ('\\m' || $1)", word)
    ]


def test_a_session_that_somebody_holds_delays_nobody_and_goes_the_next_time(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        for _ in range(3):
            held = await db.fetchval(_SESSION, "resolved", None, 60)
        other = await asyncpg.connect(dsn)
        try:
            async with other.transaction():
                await other.execute("SELECT 1 FROM support_troubleshooting_sessions WHERE session_id = $1 FOR UPDATE", held)
                await asyncio.wait_for(db.execute("SELECT cleanup_old_troubleshooting_data(30)"), 10)
                assert [row[0] for row in await db.fetch("SELECT session_id FROM support_troubleshooting_sessions")] == [held]
        finally:
            await other.close()
        await db.execute("SELECT cleanup_old_troubleshooting_data(30)")
        assert tuple(await db.fetchrow(_COUNTS)) == (0, 0, 0)

    on(dsn, check)


# ------------------------------------------------------------------------------------------------------------------ the worker


def test_the_worker_commits_batch_by_batch_and_lets_the_roll_up_in_between(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guiado.app.maintenance._BATCH", 100)

    async def run() -> None:
        async def find() -> str:
            return dsn

        db, watch = Database(find), await asyncpg.connect(dsn)
        try:
            await watch.execute(_FILL, 1_000)
            await watch.execute(
                "INSERT INTO support_troubleshooting_config (config_key, config_value) VALUES ('retention_days', '30')"
            )
            working = asyncio.create_task(retain(AppContext(db, "default", 0.33)))
            seen: set[int] = set()
            while not working.done():
                await asyncio.wait_for(watch.fetchval("SELECT guiado_roll_up()"), 10)
                seen.add((await watch.fetchrow(_COUNTS))[0])
            assert await working == 11_000
            assert len(seen - {0, 1_000}) >= 2, "somebody saw it half done"
            assert tuple(await watch.fetchrow(_COUNTS)) == (0, 0, 0)
        finally:
            await db.close()
            await watch.close()

    asyncio.run(run())


def test_a_run_that_took_long_enough_leaves_the_rest_to_the_next(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guiado.app.maintenance._BATCH", 10)
    monkeypatch.setattr("guiado.app.maintenance._RETENTION_S", 0.0)

    async def run() -> None:
        async def find() -> str:
            return dsn

        db, watch = Database(find), await asyncpg.connect(dsn)
        try:
            await watch.execute(_FILL, 50)
            await watch.execute(
                "INSERT INTO support_troubleshooting_config (config_key, config_value) VALUES ('retention_days', '30')"
            )
            assert await retain(AppContext(db, "default", 0.33)) == 0
            monkeypatch.setattr("guiado.app.maintenance._RETENTION_S", 60.0)
            assert await retain(AppContext(db, "default", 0.33)) == 550
        finally:
            await db.close()
            await watch.close()

    asyncio.run(run())


_AGED = """INSERT INTO support_troubleshooting_outbox (event_id, session_id, event, data, occurred_at)
    SELECT md5(n::text)::uuid, $1, 'x', '{}', now() - make_interval(days => n) FROM unnest($2::integer[]) n;
INSERT INTO support_webhook_events (id, webhook_id, event, success, sent_at)
    SELECT md5(n::text)::uuid, 'w', 'x', true, now() - make_interval(days => n) FROM unnest($2::integer[]) n WHERE $1::uuid IS NOT NULL;
INSERT INTO support_troubleshooting_notifications (id, session_id, notification_type, recipient, created_at, status)
    SELECT md5(n::text)::uuid, $1, 'x', 'a', now() - make_interval(days => n), 'sent' FROM unnest($2::integer[]) n;
INSERT INTO support_troubleshooting_idempotency (key, request_hash, created_at)
    SELECT n::text, 'h', now() - make_interval(days => n) FROM unnest($2::integer[]) n WHERE $1::uuid IS NOT NULL;
INSERT INTO support_troubleshooting_audit_log (audit_id, actor, action, object_type, at)
    SELECT md5(n::text)::uuid, 'a', 'a', 'o', now() - make_interval(days => n) FROM unnest($2::integer[]) n WHERE $1::uuid IS NOT NULL;
INSERT INTO support_troubleshooting_performance_metrics (id, metric_name, metric_value, recorded_at)
    SELECT md5(n::text)::uuid, 'x', 1, now() - make_interval(days => n) FROM unnest($2::integer[]) n WHERE $1::uuid IS NOT NULL;
INSERT INTO support_troubleshooting_ml_training (id, text, created_at)
    SELECT md5(n::text)::uuid, 'x', now() - make_interval(days => n) FROM unnest($2::integer[]) n WHERE $1::uuid IS NOT NULL;
INSERT INTO support_customer_links (link_id, session_id, token_hash, expires_at)
    SELECT md5(n::text)::uuid, $1, n::text, now() - make_interval(days => n) FROM unnest($2::integer[]) n;
INSERT INTO support_api_keys (key_id, name, prefix, secret_hash, scopes, revoked_at)
    SELECT md5(n::text)::uuid, n::text, '', n::text, '{}', now() - make_interval(days => n) FROM unnest($2::integer[]) n WHERE $1::uuid IS NOT NULL"""
_KINDS = {
    "deliveries": ("support_troubleshooting_outbox", "support_webhook_events"),
    "notifications": ("support_troubleshooting_notifications",),
    "idempotency": ("support_troubleshooting_idempotency",),
    "audit": ("support_troubleshooting_audit_log",),
    "performance": ("support_troubleshooting_performance_metrics",),
    "links": ("support_customer_links",),
    "keys": ("support_api_keys",),
    "examples": ("support_troubleshooting_ml_training",),
}


@pytest.mark.parametrize("sessions_days", [None, 40])
@pytest.mark.parametrize("kind", _KINDS)
def test_each_kind_of_record_has_its_own_time(dsn: str, kind: str, sessions_days: int | None) -> None:
    """The session goes on, so that nothing goes with it."""

    async def run() -> dict[str, int]:
        async def find() -> str:
            return dsn

        db, watch = Database(find), await asyncpg.connect(dsn)
        try:
            living = await watch.fetchval(_SESSION, "needs_escalation", "viva", 90)
            for statement in _AGED.split(";\n"):
                await watch.execute(statement, living, [10, 20, 30, 60])
            for key, days in ((f"retention_days_{kind}", 15), ("retention_days", sessions_days)):
                if days:
                    config = "INSERT INTO support_troubleshooting_config (config_key, config_value) VALUES ($1, $2)"
                    await watch.execute(config, key, str(days))
            await retain(AppContext(db, "default", 0.33))
            assert await retain(AppContext(db, "default", 0.33)) == 0
            # A change of a setting leaves an audit row of its own, of now.
            aged = {"support_troubleshooting_audit_log": "WHERE object_type <> 'setting'"}
            tables = [table for group in _KINDS.values() for table in group]
            return {table: await watch.fetchval(f"SELECT count(*) FROM {table} {aged.get(table, '')}") for table in tables}
        finally:
            await db.close()
            await watch.close()

    left = asyncio.run(run())
    assert {left.pop(table) for table in _KINDS[kind]} == {1}
    follows = {
        "support_webhook_events",
        *(t for k in ("idempotency", "audit", "performance", "links", "keys") for t in _KINDS[k]),
    }
    assert left == {table: 3 if sessions_days and table in follows else 4 for table in left}


def test_what_still_opens_and_the_last_key_stay(dsn: str) -> None:
    """A key that was revoked goes with a newer one only: where there is none, the API would be open again."""

    async def check(db: asyncpg.Connection) -> None:
        session = await db.fetchval(_SESSION, "needs_escalation", "viva", 90)
        link = "INSERT INTO support_customer_links (link_id, session_id, token_hash, expires_at, revoked_at)"
        await db.execute(f"{link} VALUES ($1, $1, 'viva', now() + interval '1 day', NULL)", session)
        await db.execute(
            f"{link} VALUES (gen_random_uuid(), $1, 'anulada', now() + interval '1 day', now() - interval '40 days')", session
        )
        key = "INSERT INTO support_api_keys (key_id, name, prefix, secret_hash, scopes, created_at, revoked_at) VALUES (gen_random_uuid(),"
        for name, created in (("vieja", 90), ("nueva", 80)):
            await db.execute(
                f"{key} $1, '', $1, '{{}}', now() - make_interval(days => $2), now() - interval '40 days')", name, created
            )
        await db.execute("SELECT cleanup_old_troubleshooting_data(30)")
        assert [row[0] for row in await db.fetch("SELECT token_hash FROM support_customer_links")] == ["viva"]
        assert [row[0] for row in await db.fetch("SELECT name FROM support_api_keys")] == ["nueva"]

    on(dsn, check)
