"""An independent book-keeper: plays every session again from its audit rows, attempts and decisions, and compares.

It reads the tables and imports nothing of guiado, so that a fault of guiado's own rules cannot hide here. Every use case leaves
one audit row in the transaction that did the work; in their order, with the attempts by their offer and the offers by their
number, they are the whole history of a session. What the history comes to must be what the session's row says.

Rules: contract.md §6. For a history written without setting the clock back, and not thinned out by the retention.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import asyncpg
from checker_play import Facts, Play, gist

Row = asyncpg.Record
_TABLES = {
    "sessions": "SELECT * FROM support_troubleshooting_sessions ORDER BY started_at, session_id",
    "attempts": "SELECT * FROM support_troubleshooting_attempts ORDER BY decision_number, attempted_at",
    "decisions": "SELECT * FROM support_troubleshooting_decisions ORDER BY number",
    "outbox": "SELECT * FROM support_troubleshooting_outbox ORDER BY event_id",
    "deliveries": "SELECT * FROM support_troubleshooting_deliveries",
    "audits": "SELECT * FROM support_troubleshooting_audit_log WHERE object_type = 'session'"
    # A reading of several sessions names none as its object; whatever changes one does.
    " AND (object_id IS NOT NULL OR action <> 'read') ORDER BY at, audit_id",
    "feedback": "SELECT * FROM support_troubleshooting_feedback ORDER BY collected_at, id",
    "versions": "SELECT * FROM support_troubleshooting_guide_versions",
    "allowed": "SELECT config_value FROM support_troubleshooting_config WHERE config_key = 'auto_escalate_after_failures'",
}


async def inconsistencies(dsn: str) -> list[str]:
    """Everything that does not fit together in the database of this address, each named by its session or row."""
    connection = await asyncpg.connect(dsn)
    try:
        # One snapshot: it may be asked while others write.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await inconsistencies_seen_by(connection)
    finally:
        await connection.close()


async def inconsistencies_seen_by(connection: asyncpg.Connection) -> list[str]:
    """The same as this connection's transaction sees it."""
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads, format="text")
    return list(_inconsistencies({name: await connection.fetch(query) for name, query in _TABLES.items()}))


def check(dsn: str) -> list[str]:
    """`inconsistencies`, for callers without an event loop."""
    return asyncio.run(inconsistencies(dsn))


def _inconsistencies(tables: dict[str, list[Row]]) -> Iterator[str]:
    groups = {name: _by(tables[name], "session_id") for name in ("attempts", "decisions", "outbox", "feedback")}
    audits = defaultdict(list)
    for audit in tables["audits"]:
        audits[uuid.UUID(audit["object_id"])].append(audit)
    guides = {row["guide_version_id"]: row["content"] for row in tables["versions"]}
    allowed = int(tables["allowed"][0]["config_value"]) if tables["allowed"] else 2
    known = {row["session_id"] for row in tables["sessions"]}
    for row in tables["sessions"]:
        one = row["session_id"]
        facts = Facts(row, audits[one], *(groups[name][one] for name in ("attempts", "decisions", "outbox", "feedback")))
        yield from (f"session {one}: {fault}" for fault in _session(facts, guides, allowed))
    for name, group in (*groups.items(), ("audits", audits)):
        yield from (f"{name} of session {one}, which does not exist" for one in group if one is not None and one not in known)
    yield from _deliveries(tables["deliveries"], tables["outbox"])


def _by(rows: Iterable[Row], column: str) -> defaultdict[Any, list[Row]]:
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def _session(facts: Facts, guides: dict[Any, dict[str, Any]], allowed: int) -> Iterator[str]:
    play = Play(facts, guides, allowed)
    yield from _children(facts)
    yield from _ratings(facts)
    try:
        play.run()
    except LookupError as error:
        # The rows contradict each other so much that there is no state to compare with.
        yield from (*play.faults, f"history: {error.args[0]}")
        return
    expected = play.expected()  # finds faults too
    yield from play.faults
    yield from _differences(facts.row, expected)
    told = Counter((row["event"], *gist(row["data"])) for row in facts.events)
    due = Counter(play.told)
    yield from (f"event missing: {event}" for event in (due - told).elements())
    yield from (f"event too many: {event}" for event in (told - due).elements())


def _differences(row: Row, expected: dict[str, Any]) -> Iterator[str]:
    for column, value in expected.items():
        if row[column] != value:
            yield f"{column} is {row[column]!r}, the history says {value!r}"
    if row["status"] == "abandoned" and (row["ended_at"] is None or row["ended_at"] < row["updated_at"]):
        yield f"it was abandoned at {row['ended_at']!r}, before its last activity"


def _children(facts: Facts) -> Iterator[str]:
    tenant = facts.row["tenant_id"]
    for name in ("audits", "attempts", "decisions", "events", "feedback"):
        strangers = {row["tenant_id"] for row in getattr(facts, name)} - {tenant}
        if strangers:
            yield f"{name} belong to another tenant: {strangers}"
    answered = Counter(attempt["decision_number"] for attempt in facts.attempts)
    yield from (f"decision {number} was answered {times} times" for number, times in answered.items() if times > 1)
    for attempt in facts.attempts:
        if attempt["success"] != (attempt["outcome"] != "could_not"):
            yield f"attempt {attempt['id']}: success is {attempt['success']}, outcome {attempt['outcome']}"


def _ratings(facts: Facts) -> Iterator[str]:
    rated = [audit for audit in facts.audits if audit["action"] == "rate"]
    if len(rated) != len(facts.feedback):
        yield f"{len(facts.feedback)} ratings, {len(rated)} of them audited"
    current = [row for row in facts.feedback if row["is_current"]]
    if len(current) != min(1, len(facts.feedback)):
        yield f"{len(current)} of {len(facts.feedback)} ratings are the valid one"


def _deliveries(deliveries: list[Row], outbox: list[Row]) -> Iterator[str]:
    events = {row["event_id"] for row in outbox}
    pairs = Counter((row["event_id"], row["destination"]) for row in deliveries)
    yield from (f"event {pair[0]} goes to {pair[1]} {times} times" for pair, times in pairs.items() if times > 1)
    for row in deliveries:
        name = f"delivery {row['delivery_id']}"
        if row["event_id"] not in events:
            yield f"{name}: event {row['event_id']} does not exist"
        digest = hashlib.md5(f"{row['event_id']} {row['destination']}".encode(), usedforsecurity=False).hexdigest()
        if row["delivery_id"] != uuid.UUID(digest):
            yield f"{name}: its id is not that of its event and destination"
        if (row["state"] == "pending") != (row["finished_at"] is None):
            yield f"{name}: state {row['state']}, finished_at {row['finished_at']}"
