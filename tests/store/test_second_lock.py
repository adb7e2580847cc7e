"""The second lock between tenants holds alone: whatever the application's role asks with "a" set, nothing of "b" is seen or changed.

Tables, views and functions come from the catalogue. The same calls, as owner, find or change something of b's: so each of them shows
something. The first lock, the tenant as an argument, is in `test_two_tenants.py`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import pytest
from tenant_rows import (
    CUSTOMER,
    EMAIL,
    EVENT,
    EXAMPLE,
    GUIDE_VERSION,
    LIVE,
    LONG_AGO,
    OLD,
    SOLVED,
    UNKNOWN,
    connect,
    copy,
    fill,
    remove,
    states,
    tables_of,
    uid,
)

T = TypeVar("T")
SINCE, UNTIL = "date_trunc('day', now()) - interval '500 days'", "date_trunc('day', now()) + interval '1 day'"
SPAN, SPANS = f"{SINCE}, {UNTIL}", f"ARRAY['b'], ARRAY[{SINCE}], ARRAY[{UNTIL}]"
NOTHING_OF_ANYBODY = {
    "guiado_address_pattern(text)": "changes its argument",
    "guiado_fold(text)": "changes its argument",
    "guiado_hide(text,text)": "changes its argument",
    "guiado_hide_in(jsonb,text)": "changes its argument",
    "guiado_mailbox(text)": "changes its argument",
    "guiado_names(text,text)": "compares its arguments",
    "guiado_search_vector(text)": "changes its argument",
    "guiado_day_ranges(text[],date[])": "counts with its arguments",
    "guiado_tenant()": "the setting",
    "guiado_protect(text[],text[])": "asks the catalogue; needs the owner",
    "guiado_protect(text[])": "asks the catalogue; needs the owner",
    "guiado_share(text[])": "asks the catalogue; needs the owner",
    "guiado_enter(text)": "below",
}
_SESSION = f"""jsonb_populate_record(NULL::support_troubleshooting_sessions, '{{"tenant_id": "b", "session_id": "{SOLVED}",
    "customer_id": "c-1", "detected_problem_id": "router", "guide_version_id": "{GUIDE_VERSION}"}}')"""
_CHANGE = f"""{{"expected": 1, "session": {{"session_id": "{LIVE}", "version": 2, "status": "in_progress", "current_step": 0,
    "failures": 0, "attempts": 1, "decisions": 0, "updated_at": "2026-01-01T00:00:00Z"}},
    "attempts": [], "decisions": [], "events": [], "audits": []}}"""
_CONTACT = '{"customer_email": "a@b.co", "customer_name": null, "customer_id": "c-2"}'
_RATING = f"""{{"feedback": {{"id": "{uid(99)}", "session_id": "{SOLVED}", "rating": 1, "is_current": true, "total_steps": 1, "completed_steps": 1, "resolved": true, "customer_email": "a@b.co",
    "collected_at": "2026-01-01T00:00:00Z"}}, "events": [], "audits": []}}"""
_EVENT = f"""[{{"event_id": "{uid(98)}", "tenant_id": "b", "event": "step_completed", "data": {{}}, "occurred_at": "2026-01-01T00:00:00Z"}}]"""
_LESSON = f'[{{"id": "{uid(97)}", "kind": "undo", "source": "agent", "at": "2026-01-01T00:00:00Z"}}]'
CALLS = {
    "check_rate_limit(text,text,integer,integer)": "check_rate_limit('i', 't', 1, 1)",
    "check_rate_limit(text,text,text,integer,integer)": "check_rate_limit('b', 'i', 't', 1, 1)",
    "cleanup_expired_cache()": "cleanup_expired_cache()",
    "cleanup_old_troubleshooting_data(integer)": "cleanup_old_troubleshooting_data(30)",
    "get_feedback_by_problem(timestamp with time zone,timestamp with time zone)": f"get_feedback_by_problem({SPAN})",
    "get_performance_stats(text,integer)": "get_performance_stats()",
    "get_troubleshooting_metrics_by_period(timestamp with time zone,timestamp with time zone,text)": (
        f"get_troubleshooting_metrics_by_period({SPAN}, 'week')"
    ),
    "get_troubleshooting_stats(timestamp with time zone,timestamp with time zone)": f"get_troubleshooting_stats({SPAN})",
    "guiado_publish_import(text,text,text,timestamp with time zone,text[],uuid[],text[])": (
        "guiado_publish_import('b', '', 'x', now(), '{}', '{}', '{router}')"
    ),
    "guiado_clean_audit(text,timestamp with time zone,integer)": "guiado_clean_audit('b', now() - interval '30 days', 10)",
    "guiado_clean_batch(text,timestamp with time zone,integer,jsonb)": "guiado_clean_batch('b', now() - interval '30 days', 10)",
    "guiado_closed_days(text,timestamp with time zone,timestamp with time zone)": f"guiado_closed_days('b', {SPAN})",
    "guiado_commit(text,jsonb)": f"guiado_commit('b', '{_CHANGE}')",
    "guiado_config(text)": "guiado_config('retention_days')",
    "guiado_count_sessions(text[],timestamp with time zone[],timestamp with time zone[],uuid[])": f"guiado_count_sessions({SPANS})",
    "guiado_count_steps(text[],timestamp with time zone[],timestamp with time zone[],uuid[])": f"guiado_count_steps({SPANS})",
    "guiado_count_patterns(text[],timestamp with time zone[],timestamp with time zone[],uuid[],text)": f"guiado_count_patterns({SPANS})",
    "guiado_learnable(text[],timestamp with time zone[],timestamp with time zone[],uuid[],text)": f"guiado_learnable({SPANS})",
    "guiado_measure_patterns(text[],timestamp with time zone[],timestamp with time zone[],text)": f"guiado_measure_patterns({SPANS})",
    "guiado_patterns(text,text,timestamp with time zone,timestamp with time zone)": f"guiado_patterns('b', 'router', {SPAN})",
    "guiado_pattern_counts(text)": "guiado_pattern_counts('b')",
    "guiado_step_times(text,text,timestamp with time zone,timestamp with time zone)": f"guiado_step_times('b', 'router', {SPAN})",
    "guiado_differing_patterns(text,date[])": f"guiado_differing_patterns('b', ARRAY['{LONG_AGO.date()}'::date])",
    "guiado_recount_patterns(text,date[])": f"guiado_recount_patterns('b', ARRAY['{LONG_AGO.date()}'::date])",
    "guiado_daily(text,timestamp with time zone,timestamp with time zone)": f"guiado_daily('b', {SPAN})",
    "guiado_daily(timestamp with time zone,timestamp with time zone)": f"guiado_daily({SPAN})",
    "guiado_delete_session_rows(text,uuid[])": f"guiado_delete_session_rows('b', ARRAY['{LIVE}'::uuid])",
    "guiado_emit(text,jsonb)": f"guiado_emit('b', '{_EVENT}')",
    "guiado_erase_batch(text,text,text,integer)": f"guiado_erase_batch('b', '{EMAIL}', '{CUSTOMER}')",
    "guiado_erase_events(text,uuid[])": f"guiado_erase_events('b', ARRAY['{EVENT}'::uuid])",
    "guiado_erase_mentions(text,text,integer)": f"guiado_erase_mentions('b', '{EMAIL}')",
    "guiado_hide_address(text,text)": "guiado_hide_address('b', 'ajeno')",
    "guiado_judge(text,uuid[],text,text,text,timestamp with time zone)": (
        f"guiado_judge('b', ARRAY['{EXAMPLE}'::uuid], 'rejected', 'agent', 'r', now())"
    ),
    "guiado_keep(text,uuid[])": f"guiado_keep('b', ARRAY['{OLD}'::uuid])",
    "guiado_kinds_daily(text,timestamp with time zone,timestamp with time zone)": f"guiado_kinds_daily('b', {SPAN})",
    "guiado_kinds_daily(timestamp with time zone,timestamp with time zone)": f"guiado_kinds_daily({SPAN})",
    "guiado_learn(text,support_troubleshooting_sessions,jsonb)": f"guiado_learn('b', {_SESSION}, '{_LESSON}')",
    "guiado_live_ranges(text,timestamp with time zone,timestamp with time zone)": f"guiado_live_ranges('b', {SPAN})",
    "guiado_maintain(text)": "guiado_maintain('cleanup_expired_cache')",
    "guiado_mark_dirty(text,date)": "guiado_mark_dirty('b', '2020-01-01')",
    "guiado_measure(text[],timestamp with time zone[],timestamp with time zone[])": f"guiado_measure({SPANS})",
    "guiado_measure_kinds(text[],timestamp with time zone[],timestamp with time zone[])": f"guiado_measure_kinds({SPANS})",
    "guiado_measure_steps(text[],timestamp with time zone[],timestamp with time zone[])": f"guiado_measure_steps({SPANS})",
    "guiado_names_session(text,text,text)": f"guiado_names_session('b', '{LIVE}', '{EMAIL}')",
    "guiado_next_revision(text,text)": "guiado_next_revision('b', '')",
    "guiado_publish(text,text,text,uuid,text,text,text,timestamp with time zone)": (
        f"guiado_publish('b', '', 'router', '{GUIDE_VERSION}', 'former', 'x', 'x', now())"
    ),
    "guiado_publish_file(text,text,text,bigint,text,timestamp with time zone,text[],text[],uuid[],text[])": (
        f"guiado_publish_file('b', '', 'f', 5, 'x', now(), ARRAY['router'], ARRAY['h9'], ARRAY['{uid(95)}'::uuid], ARRAY['modem'])"
    ),
    "guiado_rate(text,jsonb)": f"guiado_rate('b', '{_RATING}')",
    "guiado_roll_up(timestamp with time zone,boolean)": "guiado_roll_up(now(), true)",
    "guiado_set_contact(text,support_troubleshooting_sessions,jsonb)": f"guiado_set_contact('b', {_SESSION}, '{_CONTACT}')",
    "guiado_steps_daily(text,timestamp with time zone,timestamp with time zone)": f"guiado_steps_daily('b', {SPAN})",
    "guiado_steps_daily(timestamp with time zone,timestamp with time zone)": f"guiado_steps_daily({SPAN})",
    "guiado_take_requests(text,text[],text,integer[],integer,integer)": "guiado_take_requests('b', ARRAY['i'], 't', ARRAY[1], 1, 1)",
    "guiado_tenants()": "guiado_tenants()",
    "guiado_trim_examples(text,integer)": "guiado_trim_examples('b', 1)",
    "maintenance_troubleshooting_tables()": "maintenance_troubleshooting_tables()",
    "refresh_troubleshooting_views()": "refresh_troubleshooting_views()",
    "search_troubleshooting_sessions(text,integer)": "search_troubleshooting_sessions('router')",
}
"""A call of each function, with "b" as its tenant where it takes one."""


def on(dsn: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        db = await connect(dsn)
        try:
            return await work(db)
        finally:
            await db.close()

    return asyncio.run(run())


async def names(db: asyncpg.Connection, kind: str) -> list[str]:
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = $1::text::\"char\" ORDER BY 1"
    return [row[0] for row in await db.fetch(query, kind)]


async def both(db: asyncpg.Connection) -> list[str]:
    """Fill both tenants, "b" with a session less so that their figures differ; returns the tables.

    A day of each is due for `guiado_roll_up` at any hour: sessions of today are, but few began today when the day is young.
    """
    await fill(db, "a")
    await copy(db, "a", "b")
    await db.execute("DELETE FROM support_troubleshooting_sessions WHERE tenant_id = 'b' AND session_id = $1", UNKNOWN)
    await db.execute("SELECT guiado_roll_up(now(), true)")
    for tenant in "ab":
        await db.execute("SELECT guiado_mark_dirty($1, '2019-01-01')", tenant)
    return await tables_of(db)


async def lock(db: asyncpg.Connection) -> None:
    await db.execute("SELECT set_config('guiado.tenant', 'a', true); SET LOCAL ROLE guiado_app")


async def tried(db: asyncpg.Connection, query: str, *args: object, locked: bool = True) -> tuple[str, list[str]]:
    """What a statement finds, or its error, and all tenants' rows after it; then it is undone."""
    tables = await tables_of(db)
    transaction = db.transaction()
    await transaction.start()
    try:
        await db.execute("SELECT set_config('guiado.tenant', 'b', true)")
        if locked:
            await lock(db)
        try:
            rows = await db.fetch(query, *args)
        except asyncpg.PostgresError as error:
            return type(error).__name__, []
        await db.execute("RESET ROLE")
        return repr(sorted(map(repr, rows))), (await states(db, tables))["b"]
    finally:
        await transaction.rollback()


def test_no_row_of_another_tenant_is_read_written_or_deleted(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        tables = await both(db)
        before = (await states(db, tables))["b"]
        refused = "InsufficientPrivilegeError"
        for table in tables:
            row = await db.fetchval(f"SELECT to_jsonb(x) FROM {table} x WHERE tenant_id = 'b' LIMIT 1")
            if row is None:
                row = {**await made_up(db, table), "tenant_id": "b"}
            seen, _ = await tried(db, f"SELECT * FROM {table} x WHERE tenant_id = 'b'")
            assert seen in {"[]", refused}, table
            for query in (
                f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = 'b' RETURNING 1",
                f"DELETE FROM {table} WHERE tenant_id = 'b' RETURNING 1",
            ):
                told, after = await tried(db, query)
                assert told == refused or (told == "[]" and after == before), query
            told, _ = await tried(db, f"INSERT INTO {table} SELECT y.* FROM jsonb_populate_record(NULL::{table}, $1) y", row)
            assert told == refused, (table, told)
            told, _ = await tried(db, f"UPDATE {table} SET tenant_id = 'b' RETURNING 1")
            assert told == refused or not await db.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = 'a'"), (table, told)
            told, _ = await tried(db, f"TRUNCATE {table} CASCADE")
            assert told == refused

    on(dsn, check)


async def made_up(db: asyncpg.Connection, table: str) -> dict[str, object]:
    """A row for a table of which nothing is stored."""
    kinds = {
        "uuid": str(uid(1)),
        "date": "2020-01-01",
        "timestamptz": "2020-01-01T00:00:00Z",
        "jsonb": {},
        "bool": True,
        "bytea": "\\x00",
    }
    columns = await db.fetch(
        "SELECT a.attname, t.typname, t.typcategory FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
        " WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped", table)  # fmt: skip
    return {row["attname"]: kinds.get(row["typname"], {"N": 1, "A": []}.get(row["typcategory"].decode(), "x")) for row in columns}


def test_a_table_without_the_lock_is_found(dsn: str) -> None:
    query = """SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
        AND (NOT c.relrowsecurity OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)) ORDER BY 1"""

    async def check(db: asyncpg.Connection) -> None:
        assert [row[0] for row in await db.fetch(query)] == ["support_schema_migrations", "support_secret_key"]
        # The key belongs to the whole database, which every process opens: it may be read and added to, no more.
        for table, refused in (
            ("support_schema_migrations", "SELECT, INSERT, UPDATE, DELETE"),
            ("support_secret_key", "UPDATE, DELETE, TRUNCATE"),
        ):
            assert not await db.fetchval("SELECT has_table_privilege('guiado_app', $1::text, $2)", table, refused)
        await db.execute("CREATE TABLE support_new (tenant_id text)")
        assert len(await db.fetch(query)) == 3

    on(dsn, check)


def test_no_view_shows_rows_of_another_tenant(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        await both(db)
        views, kept = await names(db, "v"), await names(db, "m")
        assert len(views) > 5
        assert len(kept) > 2
        found = dict[str, str]()
        for name in views:
            asked = f"SELECT to_jsonb(x) FROM {name} x WHERE tenant_id = 'b'"
            assert (await tried(db, asked))[0] == "[]", name
            assert (await tried(db, asked, locked=False))[0] != "[]", f"{name} shows nothing of b to anybody"
            found[name] = (await tried(db, f"SELECT to_jsonb(x) FROM {name} x"))[0]
        for name in kept:
            assert (await tried(db, f"SELECT * FROM {name}"))[0] == "InsufficientPrivilegeError", name
        await remove(db, "b")
        alone = {name: (await tried(db, f"SELECT to_jsonb(x) FROM {name} x"))[0] for name in views}
        assert {name: told for name, told in found.items() if _ages(told) != _ages(alone[name])} == {}

    on(dsn, check)


def _ages(told: str) -> str:
    """What was found, without what grows with every second."""
    return re.sub(r"['\"]minutes_\w+['\"]: [0-9.]+", "", told)


def test_every_function_has_a_call(module_dsn: str) -> None:
    query = """SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype"""
    found = {row[0] for row in on(module_dsn, lambda db: db.fetch(query))}
    assert found == CALLS.keys() | NOTHING_OF_ANYBODY.keys()


def test_no_function_works_as_its_owner(module_dsn: str) -> None:
    query = "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef"
    assert on(module_dsn, lambda db: db.fetch(query)) == []


def test_no_function_sees_or_changes_rows_of_another_tenant(dsn: str) -> None:
    async def run(db: asyncpg.Connection) -> None:
        tables = await both(db)
        before = (await states(db, tables))["b"]
        locked = {name: await tried(db, f"SELECT * FROM {call}") for name, call in CALLS.items()}
        owner = {name: await tried(db, f"SELECT * FROM {call}", locked=False) for name, call in CALLS.items()}
        await remove(db, "b")
        alone = {name: await tried(db, f"SELECT * FROM {call}") for name, call in CALLS.items()}
        assert {name for name, (_, after) in locked.items() if after not in ([], before)} == set(), "changes b's rows"
        assert {name: told for name, (told, _) in locked.items() if told != alone[name][0]} == {}, "sees b's rows"
        assert {name for name in CALLS if owner[name] == locked[name]} == set(), "such a call shows nothing"
        assert {name: told for name, (told, _) in owner.items() if told.endswith("Error")} == {}, "such a call shows nothing"

    on(dsn, run)


@pytest.mark.parametrize(("role", "told"), [("guiado_app", "InsufficientPrivilegeError"), (None, "b")])
def test_only_who_sees_every_tenant_enters_another(module_dsn: str, role: str | None, told: str) -> None:
    async def check(db: asyncpg.Connection) -> str:
        async with db.transaction():
            await db.execute("SELECT set_config('guiado.tenant', 'a', true)")
            if role:
                await db.execute(f"SET LOCAL ROLE {role}")
            try:
                async with db.transaction():
                    await db.execute("SELECT guiado_enter('b')")
            except asyncpg.PostgresError as error:
                return type(error).__name__
            return str(await db.fetchval("SELECT guiado_tenant()"))

    assert on(module_dsn, check) == told
