"""The tenant comes first: in every key of the catalogue, and as an argument in every statement of the store.

What a statement does with tenants is read from the plan that PostgreSQL makes of it: each table that is scanned must be held to one
tenant, whichever way the statement says so.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

import guiado.store.queries
from guiado.store.migrate import migrate

QUERIES = Path(guiado.store.queries.__file__).parent
NO_TENANT = {"support_schema_migrations": "belongs to the database", "support_secret_key": "belongs to the database"}
FOUND_BY_SECRET = {"api_keys_by_secret", "customer_links_by_token"}
"""A secret says whose it is: it is looked up before a tenant is known."""
FOR_PEOPLE = {
    *("get_troubleshooting_stats", "get_feedback_by_problem", "get_troubleshooting_metrics_by_period", "get_performance_stats"),
    *("search_troubleshooting_sessions", "check_rate_limit", "guiado_daily", "guiado_steps_daily", "guiado_config"),
    "guiado_kinds_daily",
}
"""Called in psql without a tenant: they take the connection's."""
FOR_ALL_TENANTS = {
    *("cleanup_old_troubleshooting_data", "cleanup_expired_cache", "maintenance_troubleshooting_tables", "guiado_maintain"),
    *("refresh_troubleshooting_views", "guiado_roll_up", "guiado_tenants"),
}
_OF_UNION = '= "*SELECT* 1".tenant_id'
_CONDITIONS = ("Index Cond", "Filter", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter")
T = TypeVar("T")


def on(dsn: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


# ----------------------------------------------------------------------------------------------------------- the catalogue

_KEYS = """
SELECT c.relname AS name, i.indexrelid::regclass::text AS key, pg_get_indexdef(i.indexrelid, 1, true) AS first
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
 WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT c.relname, k.conname, a.attname || CASE WHEN p.attname = 'tenant_id' AND k.convalidated THEN '' ELSE ' -> ' || p.attname END
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
  JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = k.confkey[1]
 WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace"""


async def wrong_keys(db: asyncpg.Connection) -> set[str]:
    """Primary and foreign keys, and unique indexes, that do not begin with the tenant."""
    return {
        row["key"] for row in await db.fetch(_KEYS) if row["name"] not in NO_TENANT and row["first"] != "tenant_id"
    } - FOUND_BY_SECRET


def test_every_key_begins_with_the_tenant(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        assert len(await db.fetch(_KEYS)) > 35
        assert await wrong_keys(db) == set()
        await db.execute("CREATE UNIQUE INDEX wrong ON support_tickets (ticket_id, tenant_id)")
        await db.execute(
            "ALTER TABLE support_tickets ADD UNIQUE (ticket_id), ADD COLUMN parent text REFERENCES support_tickets (ticket_id)"
        )
        assert len(await wrong_keys(db)) == 3

    on(dsn, check)


def test_every_table_names_its_tenant(dsn: str) -> None:
    query = """SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull)"""
    assert {row["relname"] for row in on(dsn, lambda db: db.fetch(query))} == set(NO_TENANT)


def test_a_function_takes_the_tenant_as_an_argument(dsn: str) -> None:
    query = """SELECT p.proname AS name, p.prosrc AS source, p.prorettype = 'trigger'::regtype AS is_trigger,
        coalesce(p.proargnames, '{}') && ARRAY['p_tenant', 'p_tenants'] AS takes_tenant
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"""
    found = on(dsn, lambda db: db.fetch(query))
    reading = {row for row in found if re.search(r"\b(support|mv)_\w+", row["source"]) and not row["is_trigger"]}
    without = {row["name"] for row in reading if not row["takes_tenant"]} - {"guiado_protect"}
    assert without - FOR_PEOPLE <= FOR_ALL_TENANTS
    asking = {row["name"] for row in found if "guiado_tenant()" in row["source"]}
    assert asking - {"guiado_protect"} <= FOR_PEOPLE
    assert not {row["name"] for row in found if row["takes_tenant"] and "guiado_tenant()" in row["source"]}


# ------------------------------------------------------------------------------------------------------------- statements


def statements() -> dict[str, str]:
    """Every statement of the store with its comment, by file and name."""
    found: dict[str, str] = {}
    for path in sorted(QUERIES.glob("*.sql")):
        parts = re.split(r"^-- name: *(\w+) *$", path.read_text("utf-8"), flags=re.MULTILINE)
        found |= {f"{path.stem}.{name}": body.strip().rstrip(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def is_held(alias: str, conditions: str, *, to_one: bool) -> bool:
    """Whether the rows of a table are held to a tenant: the first argument, or that of another table."""
    column = rf"\b{re.escape(alias)}\.tenant_id"
    same = rf"{column} = \w+\.tenant_id\b|\w+\.tenant_id = {column}\b"
    given = rf"{column} = \$1\b|\$1 = {column}\b|{column} = ANY \(ARRAY\[\$1, 'default'::text\]\)"
    return bool(re.search(f"{same}|{given}" if to_one else f"{same}|{given}|{column} [=>] ", conditions))


_READ_NO_TABLE = {"guiado_search_vector", "guiado_mailbox", "guiado_names", "guiado_hide", "guiado_address_pattern"}


async def plan_of(db: asyncpg.Connection, statement: str) -> dict[str, Any]:
    await db.execute(f"PREPARE asked AS {statement}")
    count = await db.fetchval("SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'asked'")
    values = f"({', '.join(['NULL'] * count)})" if count else ""
    plan = json.loads(await db.fetchval(f"EXPLAIN (VERBOSE, COSTS off, FORMAT JSON) EXECUTE asked{values}"))[0]["Plan"]
    await db.execute("DEALLOCATE asked")
    return plan


async def faults(db: asyncpg.Connection, statement: str) -> list[str]:
    """What a statement does that is not for one tenant, which its first argument names; it may say "over all tenants" before it."""
    text = re.sub(r"^ *--.*$", "", statement, flags=re.MULTILINE)
    to_one = "over all tenants" not in statement.lower()
    found = [f"asks {name}" for name in re.findall(r"\b(guiado_tenant|guiado_config|vw_\w+)\b", text)]
    if to_one:
        called = re.findall(r"\b(guiado_\w+)\(([^,)]*)", text)
        found += [f"calls {name}" for name, given in called if given != "$1" and name not in _READ_NO_TABLE]
    if text.strip().startswith("SET "):
        return found
    tables = {row[0]: row[1] for row in await db.fetch(
        "SELECT attrelid::regclass::text, attnum FROM pg_attribute WHERE attname = 'tenant_id' AND attnum > 0")}  # fmt: skip
    await db.execute("SET plan_cache_mode = force_generic_plan")
    planned = [*nodes(await plan_of(db, statement))]
    conditions = "\n".join(str(node[name]) for node in planned for name in _CONDITIONS if name in node)
    scanned = {
        (node["Relation Name"], node["Alias"]) for node in planned if "Scan" in node["Node Type"] and "Relation Name" in node
    }
    scanned = {(table, alias) for table, alias in scanned if table in tables}
    held = {table for table, alias in scanned if is_held(alias, conditions, to_one=to_one)}
    for table, alias in sorted(scanned):
        # Over all tenants one table may stand for itself; whatever is joined to it is held by it.
        is_alone = not to_one and (table in held or len({table for table, _ in scanned}) == 1 or _OF_UNION in conditions)
        if not is_alone and not is_held(alias, conditions, to_one=to_one):
            found.append(f"reads {table} {alias}")
    for node in planned:
        table = node.get("Relation Name")
        if table in tables and node.get("Operation") == "Insert":
            source = next(inner for inner in node["Plans"] if inner["Parent Relationship"] in {"Outer", "Member"})
            given = source["Output"][tables[table] - 1] if "Output" in source else node["Output"][tables[table] - 1]
            if source["Node Type"] == "Subquery Scan":
                given = " ".join(source["Plans"][0]["Output"])
            name = given.partition(".tenant_id")[0]
            if not re.search(r"\$1\b", given) and not is_held(name, conditions, to_one=to_one):
                found.append(f"writes {table} {given}")
    return found


def test_every_statement_is_for_the_tenant_that_it_is_given(module_dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> dict[str, list[str]]:
        found = {name: await faults(db, statement) for name, statement in statements().items()}
        return {name: wrong for name, wrong in found.items() if wrong}

    assert len(statements()) > 90
    assert on(module_dsn, check) == {}


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SELECT s.notes FROM support_troubleshooting_sessions s WHERE s.session_id = $1", "reads"),
        ("SELECT s.notes FROM support_troubleshooting_sessions s WHERE s.session_id = $1 AND s.tenant_id = $2", "reads"),
        (
            ("SELECT o.data FROM support_troubleshooting_deliveries d JOIN support_troubleshooting_outbox o ON o.event_id = d.event_id"
            " WHERE d.tenant_id = $1"),
            "reads support_troubleshooting_outbox",
        ),
        (
            ("SELECT s.session_id, a.n FROM support_troubleshooting_sessions s CROSS JOIN LATERAL (SELECT count(*) AS n"
            " FROM support_troubleshooting_attempts x WHERE x.session_id = s.session_id) a WHERE s.tenant_id = $1"),
            "reads support_troubleshooting_attempts",
        ),
        (
            ("WITH gone AS (DELETE FROM support_webhooks w WHERE w.tenant_id = $1 RETURNING w.webhook_id)"
            " UPDATE support_troubleshooting_deliveries d SET state = 'cancelled' FROM gone WHERE d.destination = gone.webhook_id"),
            "reads support_troubleshooting_deliveries",
        ),
        ("INSERT INTO support_troubleshooting_cache (cache_key, value, expires_at) VALUES ($1, '{}', now())", "writes"),
        ("INSERT INTO support_tickets SELECT * FROM jsonb_populate_recordset(NULL::support_tickets, $1::jsonb) x", "writes"),
        ("SELECT guiado_emit('default', $1)", "calls"),
        ("SELECT v.pending FROM vw_webhook_stats v WHERE v.webhook_id = $1", "asks"),
        (
            ("-- Over all tenants.\nSELECT count(*) FROM support_troubleshooting_sessions s WHERE NOT EXISTS"
            " (SELECT FROM support_webhooks w WHERE w.webhook_id = s.ticket_id AND w.tenant_id = s.tenant_id) AND EXISTS"
            " (SELECT FROM support_tickets t WHERE t.ticket_id = s.ticket_id AND t.session_id = s.session_id)"),
            "reads support_tickets",
        ),
    ],
)  # fmt: skip
def test_a_statement_that_forgets_the_tenant_is_found(module_dsn: str, statement: str, fault: str) -> None:
    assert any(each.startswith(fault) for each in on(module_dsn, lambda db: faults(db, statement)))


def test_views_join_by_tenant(module_dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> list[str]:
        views = await db.fetch("SELECT viewname FROM pg_views WHERE schemaname = 'public'")
        assert len(views) > 5
        found = [await faults(db, f"-- over all tenants\nSELECT v.* FROM {row[0]} AS v") for row in views]
        return [each for found_of in found for each in found_of if each.startswith("reads")]

    assert on(module_dsn, check) == []


# --------------------------------------------------------------------------------------------------- an older installation

_KEYS_BEFORE = {
    "support_troubleshooting_guide_versions": "guide_version_id",
    "support_troubleshooting_sessions": "session_id",
    "support_troubleshooting_decisions": "session_id, number",
    "support_troubleshooting_outbox": "event_id",
    "support_troubleshooting_deliveries": "delivery_id",
    "support_troubleshooting_audit_log": "audit_id",
    "support_troubleshooting_search": "session_id",
    "support_webhook_events": "id",
    **{
        f"support_troubleshooting_{name}": "id"
        for name in ("attempts", "learning", "feedback", "notifications", "ml_training", "reports", "performance_metrics")
    },
}
_SEARCHED_BEFORE = {
    "attempts_by_session": "support_troubleshooting_attempts (session_id, attempted_at)",
    "learning_by_session": "support_troubleshooting_learning (session_id) WHERE session_id IS NOT NULL",
    "feedback_by_session": "support_troubleshooting_feedback (session_id)",
    "outbox_by_session": "support_troubleshooting_outbox (session_id) WHERE session_id IS NOT NULL",
    "deliveries_by_event": "support_troubleshooting_deliveries (event_id)",
    "webhook_events_by_event": "support_webhook_events (event_id) WHERE event_id IS NOT NULL",
    "notifications_by_session": "support_troubleshooting_notifications (session_id) WHERE session_id IS NOT NULL",
}
_OF_A_SESSION = ("decisions", "attempts", "feedback", "search")
MIGRATION = "migrations/0050_keys_begin_with_the_tenant.sql"


async def go_back(db: asyncpg.Connection) -> None:
    """Give a database the keys that installations had before."""
    for row in await db.fetch("SELECT conrelid::regclass::text AS name, conname FROM pg_constraint WHERE contype = 'f'"):
        await db.execute(f"ALTER TABLE {row['name']} DROP CONSTRAINT {row['conname']}")
    for table, columns in _KEYS_BEFORE.items():
        key = await db.fetchval("SELECT conname FROM pg_constraint WHERE contype = 'p' AND conrelid = $1::text::regclass", table)
        await db.execute(f"ALTER TABLE {table} DROP CONSTRAINT {key}, ADD PRIMARY KEY ({columns})")
    await db.execute(
        "ALTER TABLE support_troubleshooting_sessions ADD FOREIGN KEY (guide_version_id) REFERENCES"
        " support_troubleshooting_guide_versions"
    )
    for name in _OF_A_SESSION:
        await db.execute(
            f"ALTER TABLE support_troubleshooting_{name} ADD FOREIGN KEY (session_id) REFERENCES"
            " support_troubleshooting_sessions ON DELETE CASCADE"
        )
    await db.execute(
        "ALTER TABLE support_troubleshooting_deliveries ADD FOREIGN KEY (event_id) REFERENCES support_troubleshooting_outbox"
        " ON DELETE CASCADE"
    )
    for name, columns in _SEARCHED_BEFORE.items():
        await db.execute(f"DROP INDEX {name.replace('_by_', '_of_')}; CREATE INDEX {name} ON {columns}")
    await db.execute("DROP INDEX feedback_current_key")
    await db.execute("CREATE UNIQUE INDEX feedback_current ON support_troubleshooting_feedback (session_id) WHERE is_current")
    await db.execute("DELETE FROM support_schema_migrations WHERE name = $1", MIGRATION)


_IMPORTED = """
INSERT INTO support_troubleshooting_guide_versions (guide_version_id, guide_id, version, content_hash, content)
VALUES (md5('guide')::uuid, 'a', 1, 'x', '{}');
INSERT INTO support_troubleshooting_sessions (session_id, tenant_id, customer_email, problem_description, guide_version_id)
VALUES (md5('session')::uuid, 'acme', 'ana@example.com', 'no enciende', md5('guide')::uuid);
INSERT INTO support_troubleshooting_attempts (id, session_id, step_number, success) VALUES (md5('a')::uuid, md5('session')::uuid, 1, true);
SELECT guiado_commit('acme', jsonb_build_object(
    'expected', 1, 'session', jsonb_build_object('session_id', md5('session')::uuid, 'version', 2, 'status', 'in_progress',
        'updated_at', now(), 'current_step', 0, 'failures', 0, 'attempts', 1, 'decisions', 0), 'attempts', '[]'::jsonb,
    'decisions', '[]'::jsonb, 'events', jsonb_build_array(jsonb_build_object('event_id', md5('e')::uuid, 'tenant_id', 'acme',
        'session_id', md5('session')::uuid, 'event', 'step_completed', 'data', '{}'::jsonb, 'occurred_at', now())), 'audits', '[]'::jsonb));
UPDATE support_troubleshooting_sessions SET problem_description = 'no carga' WHERE session_id = md5('session')::uuid"""


def test_an_older_database_gets_the_keys_and_keeps_its_rows(dsn: str) -> None:
    async def scenario(db: asyncpg.Connection) -> None:
        await go_back(db)
        assert len(await wrong_keys(db)) > 20
        # The functions are those of this version already; a start that was broken off leaves an index that is of no use.
        await db.execute(_IMPORTED)
        await db.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sessions_by_start'::regclass")
        await db.execute("ALTER INDEX sessions_by_start RENAME TO attempts_key")
        assert MIGRATION in await migrate(dsn)
        assert await wrong_keys(db) == set()
        assert await db.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
        tenants = await db.fetchrow(
            "SELECT (SELECT array_agg(tenant_id) FROM support_troubleshooting_attempts) AS attempts,"
            " (SELECT array_agg(tenant_id ORDER BY tenant_id) FROM support_troubleshooting_guide_versions) AS guides,"
            " (SELECT count(*) FROM support_troubleshooting_search WHERE document @@ 'carg'::tsquery) AS found"
        )
        assert tuple(tenants) == (["acme"], ["acme", "default"], 1)
        assert await migrate(dsn) == []

    on(dsn, scenario)


def test_old_and_new_databases_have_the_same_keys(dsn: str) -> None:
    query = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('p', 'f')
        UNION ALL SELECT indrelid::regclass::text, '', pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid::regclass::text LIKE 'support%' ORDER BY 1, 2, 3"""
    before = on(dsn, lambda db: db.fetch(query))
    on(dsn, go_back)
    asyncio.run(migrate(dsn))
    assert on(dsn, lambda db: db.fetch(query)) == before
