"""One tenant's rows in every table, and another tenant's of the same shape: the same keys, other words."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
from secret_keys import BOX

from guiado.domain.guide import Guide, Step
from guiado.domain.guide_versions import guide_to_json
from guiado.domain.learning_signal import text_key

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_MEDIA = tuple({"type": "image", "url": f"media:{digit * 64}.png", "alt": "", "caption": ""} for digit in "57")
LONG_AGO = NOW - 450 * DAY
"""A day whose stored figures are of sessions that are not there."""
EMAIL, CUSTOMER = "ana@example.com", "c-1"
GUIDE = Guide("router", "Router propio", steps=(Step(1, "Uno", step_id="uno", media=_MEDIA),))


def uid(number: int) -> UUID:
    return UUID(int=number)


LIVE, WAITING, SOLVED, OLD, UNKNOWN = (uid(number) for number in range(1, 6))
GUIDE_VERSION, EVENT, LATE_EVENT, OLD_EVENT = uid(10), uid(11), uid(12), uid(13)
DUE, LATER, EXHAUSTED, LEASED = uid(20), uid(21), uid(22), uid(23)
NOTICE, HELD, REFUSED, DIGEST, GATHERED = (uid(number) for number in range(30, 35))
EXAMPLE, DRAFT, OTHER = uid(40), uid(41), uid(43)
SYNTHETIC = uid(7)
WORDS = "el router no enciende nunca"
_OURS = "support_troubleshooting_"
_NEW_ID = re.compile(r"(?!00000000)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d+(\+00(:00)?|Z)?|,\d{3,}\)$")
"""Of this very moment: what is stored has none below seconds. And the number of a transaction, in the last column."""


def _session(session_id: UUID, began: timedelta, touched: timedelta, **more: object) -> dict[str, object]:
    row: dict[str, object] = {
        "session_id": session_id, "customer_email": EMAIL, "customer_id": CUSTOMER, "problem_description": "mi router propio no va",
        "detected_problem_id": "router", "detected_problem_title": "Router propio", "guide_version_id": GUIDE_VERSION,
        "total_steps": 1, "started_at": NOW - began, "updated_at": NOW - touched, "notes": "nota propia", "ticket_id": "T-1",
    }  # fmt: skip
    return row | more


def _sessions() -> list[dict[str, object]]:
    ended = {"status": "resolved", "resolution": "confirmed", "detection_confidence": 0.4, "current_step": 1}
    return [
        _session(LIVE, 31 * HOUR, 30 * HOUR, status="in_progress", attempts=1, decisions=1,
                 metadata={"continues": str(OLD)}),
        _session(WAITING, 31 * HOUR, 30 * HOUR, status="needs_escalation", escalation_reason="motivo propio",
                 message_kind="person"),
        _session(SOLVED, 2 * HOUR, HOUR / 2, **ended, resolved_at=NOW - HOUR / 2, ended_at=NOW, recontact_until=NOW + DAY),
        _session(OLD, 400 * DAY, 400 * DAY, **ended, resolved_at=NOW - 400 * DAY, ended_at=NOW - 400 * DAY, ticket_id=None),
        _session(UNKNOWN, HOUR, HOUR / 2, metadata={"scope": "base propia"}, detected_problem_id=None, guide_version_id=None, escalated_at=NOW - HOUR / 2,
                 status="escalated"),
        _session(SYNTHETIC, 3 * HOUR, 2 * HOUR, **ended, resolved_at=NOW - 2 * HOUR, ended_at=NOW - 2 * HOUR, ticket_id=None,
                 source="demo", metadata={"demo": True}, customer_email="eva@demo.example", customer_id="c-7"),
    ]  # fmt: skip


def _events() -> list[dict[str, object]]:
    ids = ((EVENT, LIVE, HOUR / 2), (LATE_EVENT, LIVE, HOUR / 4), (OLD_EVENT, OLD, 400 * DAY))
    return [
        {"event_id": key, "session_id": session, "event": "step_completed", "data": {"of": "propio"}, "occurred_at": NOW - ago}
        for key, session, ago in ids
    ]


def _delivery(delivery_id: UUID, event_id: UUID, destination: str, state: str, due: timedelta) -> dict[str, object]:
    times = {"due_at": NOW + due, "created_at": NOW - HOUR / 2}
    ids = {"delivery_id": delivery_id, "event_id": event_id, "destination": destination}
    return {**ids, **times, "state": state, "last_error": "error propio", "finished_at": None if state == "pending" else NOW}


def _notice(notice_id: UUID, channel: str = "email", **more: object) -> dict[str, object]:
    texts = {
        "subject": "asunto propio",
        "message": "mensaje propio",
        "error_message": "fallo propio",
        "metadata": {"of": "propio"},
    }
    ids = {"id": notice_id, "session_id": LIVE, "notification_type": "step_completed", "channel": channel, "recipient": EMAIL}
    return {**ids, **texts, "due_at": NOW - HOUR, "created_at": NOW - HOUR, **more}


def _example(example_id: UUID, status: str, **more: object) -> dict[str, object]:
    row = {"id": example_id, "session_id": SOLVED, "text": "router propio", "problem_id": "router", "status": status}
    return {**row, "customer_id": CUSTOMER, "text_key": "router", "created_at": NOW - HOUR, **more}


def rows() -> list[tuple[str, list[dict[str, object]]]]:
    """Rows by table, in the order of their foreign keys."""
    lease = {"leased_by": "me", "leased_until": NOW + 10 * timedelta(seconds=4)}
    endpoint = {"url": "https://example.com/propio", "events": ["step_completed", "session_escalated"], "secret": "propio"}
    attempt = {"webhook_id": "free", "event": "step_completed", "success": False, "response_body": "propio", "duration_ms": 3}
    rating = {
        "session_id": SOLVED,
        "customer_email": EMAIL,
        "rating": 4,
        "feedback_text": "propio",
        "problem_detected_id": "router",
    }
    recipient = {"channel": "email", "recipient": EMAIL, "events": ["session_escalated"], "options": {"of": "propio"}}
    desk = {"channel": "slack", "recipient": "mesa propia", "events": ["step_completed"]}
    ours: list[tuple[str, list[dict[str, object]]]] = [
        ("guide_versions", [{"guide_version_id": GUIDE_VERSION, "guide_id": "router", "version": 1, "content_hash": "h",
                             "published_at": NOW - DAY, "content": guide_to_json(GUIDE)}]),
        ("sessions", _sessions()),
        ("decisions", [{"session_id": LIVE, "number": 1, "kind": "step", "rule": "regla propia", "step_number": 1}]),
        ("attempts", [{"id": uid(50), "session_id": LIVE, "step_number": 1, "success": True, "notes": "propio",
                       "attempted_at": NOW - HOUR, "step_title": "Uno propio", "active_seconds": 30}]),
        ("rollup_days", [{"day": LONG_AGO.date()}]),
        ("rollup_patterns", [{"day": LONG_AGO.date(), "problem_id": "router", "guide_version": str(GUIDE_VERSION), "pattern": "[propio]",
                              "sessions": 2}]),
        ("feedback", [{"id": uid(51), **rating, "collected_at": NOW - HOUR / 2}]),
        ("outbox", _events()),
        ("deliveries", [
            _delivery(DUE, EVENT, "free", "pending", -HOUR / 2), _delivery(LATER, LATE_EVENT, "free", "pending", HOUR),
            _delivery(EXHAUSTED, OLD_EVENT, "free", "exhausted", -HOUR), _delivery(LEASED, EVENT, "mine", "pending", -HOUR),
        ]),
        ("notifications", [
            _notice(NOTICE), _notice(HELD, **lease, dedup_key="k"),
            _notice(REFUSED, "slack", status="failed", refused_since=NOW - HOUR, refused_at=NOW - HOUR / 2),
            _notice(DIGEST, "sms", digest_at=NOW - HOUR), _notice(GATHERED, "sms", digest_at=NOW - HOUR, due_at=NOW - HOUR / 2),
        ]),
        ("recipients", [recipient, desk]),
        ("templates", [{"template_id": "t", "kind": "guide", "content": {"of": "propio"}}]),
        ("learning", [{"id": uid(52), "session_id": SOLVED, "problem_id": "router", "kind": "negative", "source": "agent"}]),
        ("ml_training", [_example(EXAMPLE, "accepted"), _example(DRAFT, "pending"), _example(OTHER, "accepted", session_id=OLD),
                         _example(uid(59), "accepted", metadata={"vote": "chosen"}),
                         _example(uid(42), "rejected", created_at=NOW - 400 * DAY)]),
        ("reports", [{"id": uid(53), "report_type": "propio"}]),
        ("detectors", [{"scope": "", "contents": "c", "version": "v propia", "model": "\\x00", "created_at": NOW - HOUR}]),
        ("guidance_plans", [{"problem_id": "router", "guide_version_id": GUIDE_VERSION, "plan_version": 3, "sessions": 9, "counted": 9,
                             "order_in_use": "shadow", "posterior": "\\x00", "figures": {"of": "propio"}}]),
        ("guidance_rules", [{"problem_id": "router", "rules": {"pinned": ["propio"]}, "revision": 2, "changed_by": "autora propia"}]),
        ("config", [{"config_key": "retention_days", "config_value": 3030}, {"config_key": "is_ours", "config_value": True}]),
        ("audit_log", [{"audit_id": uid(54), "actor": "propio", "action": "a", "object_type": "o", "at": NOW - 400 * DAY},
                       {"audit_id": uid(57), "actor": "propio", "action": "a", "object_type": "o", "at": NOW - DAY, "chain_seq": 2,
                        "chain_hash": "huella propia"}]),
        ("schedule", [
            {"job": "late", "next_at": NOW - HOUR, "last_error": "propio", "finished_at": NOW - DAY},
            {"job": "mine", "next_at": NOW - HOUR, **lease}, {"job": "gone", "next_at": NOW - 30 * DAY},
            {"job": "clock:me", "next_at": NOW - HOUR, "last_error": "3030"},
        ]),
        ("cache", [{"cache_key": "k", "value": "propio", "expires_at": NOW - HOUR}]),
        ("rate_limits", [{"identifier": "i", "limit_type": "t", "window_start": NOW, "window_minutes": 1}]),
        ("performance_metrics", [{"id": uid(55), "metric_name": "propio", "metric_value": 1}]),
        ("idempotency", [{"key": "k", "request_hash": "h propio", "answer": {"of": "propio", "session_id": str(LIVE)}}]),
    ]  # fmt: skip
    published = {"origin": "editora propia", "changed_by": "editora propia", "changed_at": NOW - DAY, "revision": 3}
    others: list[tuple[str, list[dict[str, object]]]] = [
        (
            "support_guide_publications",
            [
                {"guide_id": "router", "guide_version_id": GUIDE_VERSION, "state": "in_use", **published},
                {"guide_id": "modem", "guide_version_id": uid(96), "state": "in_use", "conflict": True, **published},
            ],
        ),
        (
            "support_guide_publication_log",
            [
                {
                    "guide_id": "router",
                    "revision": 3,
                    "guide_version_id": GUIDE_VERSION,
                    "action": "publish",
                    "by": "editora propia",
                    "at": NOW - DAY,
                }
            ],
        ),
        ("support_guide_files", [{"guide_id": "router", "content_hash": "h propio"}, {"guide_id": "modem", "content_hash": "h"}]),
        ("support_knowledge_revisions", [{"guides": 3, "model": "v propia", "files": 5, "file": "/propio"}]),
        (
            "support_api_keys",
            [{"key_id": uid(91), "name": "propia", "prefix": "guiado_p", "secret_hash": "h", "scopes": ["kb:read"]}],
        ),
        ("support_customer_links", [{"link_id": uid(57), "session_id": LIVE, "token_hash": "h propio", "expires_at": NOW + DAY}]),
        (
            "support_session_attachments",
            [
                {
                    "attachment_id": uid(58),
                    "session_id": LIVE,
                    "step_id": "uno propio",
                    "media_type": "image/png",
                    "width": 1,
                    "height": 1,
                    "size_bytes": 3,
                    "content": "\\x010203",
                    "created_at": NOW - HOUR,
                }
            ],
        ),
        (
            "support_guide_media",
            [
                {
                    "sha256": "5" * 64,
                    "name": "propio.png",
                    "media_type": "image/png",
                    "width": 1,
                    "height": 1,
                    "size_bytes": 3,
                    "content": "\\x010203",
                    "created_at": NOW - HOUR,
                }
            ],
        ),
        ("support_audit_heads", [{"chain_seq": 2, "chain_hash": "huella propia", "sealed_at": NOW, "seal": "sello propio"}]),
        ("support_audit_checkpoints", [{"chain_seq": 1, "chain_hash": "otra propia", "deleted": 1, "at": NOW}]),
        ("support_tickets", [{"ticket_id": "T-1", "subject": "propio"}]),
        ("support_troubleshooting_workers", [{"worker": "me", "alive_until": NOW + HOUR}]),
        ("support_webhooks", [{"webhook_id": "free", **endpoint}, {"webhook_id": "mine", **endpoint, **lease}]),
        ("support_webhook_events", [{"id": uid(56), "event_id": EVENT, "sent_at": NOW - HOUR / 2, **attempt}]),
    ]
    return [*((f"{_OURS}{name}", found) for name, found in ours), *others]


async def fill(db: asyncpg.Connection, tenant: str) -> None:
    """Store the rows for a tenant, without the triggers that would make rows of their own."""
    async with db.transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        for table, found in rows():
            await _insert(db, tenant, table, found)
        documents = (
            "SELECT tenant_id, session_id, guiado_search_vector(problem_description) FROM support_troubleshooting_sessions"
        )
        await db.execute(f"INSERT INTO support_troubleshooting_search (tenant_id, session_id, document) {documents}")
    await db.execute("SELECT guiado_roll_up(now(), true)")


async def _insert(db: asyncpg.Connection, tenant: str, table: str, found: list[dict[str, object]]) -> None:
    for row in found:
        columns = ", ".join(["tenant_id", *row])
        query = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, $1)"
        await db.execute(query, {"tenant_id": tenant, **row})


async def tables_of(db: asyncpg.Connection) -> list[str]:
    """Every table with a tenant."""
    query = """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1"""
    return [row["relname"] for row in await db.fetch(query)]


async def copy(db: asyncpg.Connection, tenant: str, to: str) -> None:
    """Give another tenant the same rows, in other words, and more of what would change what the first one learns."""
    changed = "replace(replace(replace(to_jsonb(x)::text, 'propio', 'ajeno'), 'propia', 'ajena'), '3030', '4040')::jsonb"
    async with db.transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        for table in await tables_of(db):
            await db.execute(
                f"INSERT INTO {table} SELECT y.* FROM {table} x, jsonb_populate_record(NULL::{table},"
                f" {changed} || jsonb_build_object('tenant_id', $2::text)) y WHERE x.tenant_id = $1",
                tenant,
                to,
            )
        await _insert(db, to, f"{_OURS}ml_training", _lessons_of_another())
        place = f"UPDATE {_OURS}ml_training SET session_id = $3, label = $4, text_key = $5 WHERE tenant_id = $1 AND id = $2"
        await db.execute(place, to, EXAMPLE, LIVE, "positive", "router")
        await db.execute(place, to, OTHER, OLD, "negative", text_key(WORDS))


def _lessons_of_another() -> list[dict[str, object]]:
    """Twins of an example, more than are kept; and more lessons of a customer than count."""
    twins = [_example(uid(60 + n), "accepted", source="agent", session_id=LIVE) for n in range(12)]
    return [*twins, *(_example(uid(80 + n), "accepted", text_key=f"x{n}") for n in range(5))]


async def remove(db: asyncpg.Connection, tenant: str) -> None:
    """Take all rows of a tenant away."""
    async with db.transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        for table in await tables_of(db):
            await db.execute(f"DELETE FROM {table} WHERE tenant_id = $1", tenant)


async def states(db: asyncpg.Connection, tables: list[str]) -> dict[str, list[str]]:
    """What the tenants "a" and "b" have: a text for each table, another one after any change."""
    digest = "md5(string_agg(x::text, '' ORDER BY x::text) FILTER (WHERE x.tenant_id = '{}')) AS {}"
    of_both = ", ".join(digest.format(tenant, tenant) for tenant in "ab")
    found = await db.fetch(" UNION ALL ".join(f"SELECT {of_both} FROM {table} x" for table in tables))
    return {tenant: [row[tenant] for row in found] for tenant in "ab"}


async def content(db: asyncpg.Connection, tenant: str, tables: list[str]) -> list[str]:
    """A tenant's rows, without the ids and the moments that are new each time."""
    found = await db.fetch(
        " UNION ALL ".join(f"SELECT x::text AS row FROM {table} x WHERE x.tenant_id = $1" for table in tables), tenant
    )
    return sorted(_MOMENT.sub("<time>", _NEW_ID.sub("<id>", row["row"])) for row in found)


class _WithKey(asyncpg.Connection):
    __slots__ = ()
    box = BOX


async def connect(dsn: str) -> asyncpg.Connection:
    """A connection as the owner, whom row-level security does not hold, and without a tenant."""
    db = await asyncpg.connect(dsn, connection_class=_WithKey)
    await db.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda value: msgspec.json.encode(value).decode(), decoder=msgspec.json.decode
    )
    return db
