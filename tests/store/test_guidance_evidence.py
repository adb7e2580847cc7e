"""Patterns of sessions: what the roll-up stores of sessions that the state machine made is what a plain count of the rows gives."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tenant_rows import connect

from guiado.app.demo.year import SyntheticDesk, Year, YearSpan
from guiado.app.knowledge.sources.json_file import read_file
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.guide_versions import guide_to_json
from guiado.guidance.patterns import ABANDONED, ASSUMED, ESCALATED, SOLVED, STEP, Event, Pattern
from guiado.resources import data_path
from guiado.store import demo, guidance_evidence

KB = data_path("integrations", "support_troubleshooting_kb.json")
DAY = timedelta(days=1)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
Found = Counter[tuple[Any, ...]]
Times = dict[tuple[str, str, str], tuple[int, Any]]


def on(dsn: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        db = await connect(dsn)
        try:
            return await work(db)
        finally:
            await db.close()

    return asyncio.run(run())


# ---------------------------------------------------------------------------------------------- sessions of the state machine


@cache
def guides() -> dict[str, Guide]:
    found = {name: guide for name, guide in read_file(KB).guides.items() if guide.kind != GuideKind.NONE}
    return dict([*found.items()][:12])


def id_of(name: str) -> UUID:
    return UUID(int=1 + [*guides()].index(name))


def made(sessions: int, seed: int, days: int) -> list[demo.Batch]:
    """Sessions as the state machine has them, over some days until now, without the mark of synthetic ones."""
    desk = SyntheticDesk("default", guides(), {name: str(id_of(name)) for name in guides()}, "lexical", {}, 2)
    batches = [*Year(desk, YearSpan(sessions, days, datetime.now(UTC), seed)).batches()]
    for batch in batches:
        batch.sessions[:] = [row._replace(source="web", metadata={}) for row in batch.sessions]
        batch.tickets.clear()
    return batches


async def fill(
    db: Any, tenant: str, sessions: int, seed: int = 1, days: int = 40, batches: list[demo.Batch] | None = None
) -> None:
    for number, (name, guide) in enumerate(guides().items(), 1):
        await db.execute(
            "INSERT INTO support_troubleshooting_guide_versions (tenant_id, guide_version_id, guide_id, version, content_hash, content)"
            " VALUES ($1, $2, $3, 1, $4, $5)", tenant, id_of(name), name, str(number), guide_to_json(guide))  # fmt: skip
    for batch in batches or made(sessions, seed, days):
        async with db.transaction():
            await demo.write(db, tenant, batch)


# ------------------------------------------------------------------------------------------------------------- a plain count


def plain(sessions: list[Any], attempts: list[Any], contents: dict[UUID, Any]) -> Found:
    """The patterns, counted one by one: (tenant, day, problem, version, pattern) -> sessions."""
    of_session = defaultdict(list)
    corrected = {(each["corrects"], each["session_id"]) for each in attempts}
    for each in attempts:
        if each["retracted_at"] is None and (each["id"], each["session_id"]) not in corrected:
            of_session[each["tenant_id"], each["session_id"]].append(each)
    back = {(row["tenant_id"], row["recontact_of"]) for row in sessions}
    counted, seen = Counter[tuple[Any, ...]](), set[tuple[Any, ...]]()
    for row in sorted(sessions, key=lambda row: (row["started_at"], row["session_id"])):
        content = contents.get(row["guide_version_id"])
        is_demo = row["source"] == "demo" and row["metadata"].get("demo") is True
        if content is None or content["kind"] != "guide" or row["urgent"] or is_demo or row["ended_at"] is None:
            continue
        day, problem = row["started_at"].astimezone(UTC).date(), row["detected_problem_id"]
        customer = (row["tenant_id"], day, problem, row["customer_id"])
        if row["customer_id"] is not None and customer in seen:
            continue
        seen.add(customer)
        own = [
            each
            for each in of_session[row["tenant_id"], row["session_id"]]
            if each["guide_version_id"] == row["guide_version_id"]
        ]
        pattern = pattern_of(row, sorted(own, key=lambda each: (each["decision_number"], each["attempted_at"], each["id"])), content,
                             has_returned=(row["tenant_id"], row["session_id"]) in back)  # fmt: skip
        counted[row["tenant_id"], day, problem, str(row["guide_version_id"]), pattern.to_text()] += 1
    return counted


def pattern_of(row: Any, own: list[Any], content: Any, *, has_returned: bool) -> Pattern:
    revisions = {step["step_id"]: step["revision"] for step in content["steps"]}
    events = tuple(Event(STEP, f"{each['step_id']}@{each['step_revision']}", each["outcome"]) for each in own)
    end, left_in, called = ASSUMED, None, row["escalated_at"]
    was_said = bool(own) and own[-1]["outcome"] == "solved" and own[-1]["source"] != "agent" and row["status"] != "abandoned"
    if was_said and (row["ended_by"] != "agent" if called is None else called > own[-1]["attempted_at"]):
        end, has_returned = SOLVED, has_returned or called is not None
    elif called is not None or row["status"] == "escalated" or row["ended_by"] == "agent":
        end = ESCALATED
    elif row["status"] == "abandoned":
        end, step = ABANDONED, row["offered_step_id"]
        left_in = f"{step}@{revisions[step]}" if step else None
    variant = row["variant"] if row["variant"] in content["variants"] else ""
    return Pattern(events, end, variant, "", left_in, returned=has_returned and end in {SOLVED, ASSUMED})


def plain_times(sessions: list[Any], attempts: list[Any]) -> Times:
    """The times of steps, counted one by one: (tenant, problem, step_id) -> attempts and minutes."""
    of, corrected = {row["session_id"]: row for row in sessions}, {(each["corrects"], each["session_id"]) for each in attempts}
    found, seen = defaultdict[tuple[str, str, str], list[float]](list), set[tuple[Any, ...]]()
    for each in sorted(attempts, key=lambda each: (each["attempted_at"], each["id"])):
        row = of[each["session_id"]]
        is_demo = row["source"] == "demo" and row["metadata"].get("demo") is True
        if each["retracted_at"] or (each["id"], each["session_id"]) in corrected or is_demo:
            continue
        active, wall = each["active_seconds"], each["duration_seconds"]
        seconds = (
            active
            if active is not None and 0 < active < float("inf")
            else wall
            if wall is not None and 0 < wall <= 3600
            else None
        )
        key = (
            row["tenant_id"],
            row["started_at"].astimezone(UTC).date(),
            each["guide_version_id"],
            each["step_id"],
            row["customer_id"],
        )
        if seconds is None or (row["customer_id"] is not None and key in seen):
            continue
        seen.add(key)
        guide = (
            [*guides()][each["guide_version_id"].int - 1]
            if each["guide_version_id"] != row["guide_version_id"]
            else row["detected_problem_id"]
        )
        found[row["tenant_id"], guide, each["step_id"]].append(min(seconds, 3600))
    return {key: (len(values), pytest.approx(sum(values) / 60)) for key, values in found.items()}


async def everything(db: Any) -> tuple[list[Any], list[Any], dict[UUID, Any]]:
    versions = await db.fetch("SELECT guide_version_id, content FROM support_troubleshooting_guide_versions")
    return (await db.fetch("SELECT * FROM support_troubleshooting_sessions"),
            await db.fetch("SELECT * FROM support_troubleshooting_attempts"),
            {row["guide_version_id"]: row["content"] for row in versions})  # fmt: skip


async def told(db: Any, tenant: str) -> Found:
    """What the store gives."""
    counted = Counter[tuple[Any, ...]]()
    for name in guides():
        for row in await guidance_evidence.patterns_of(db, tenant, name):
            assert row.sessions > 0
            assert Pattern.from_text(row.pattern).to_text() == row.pattern
            counted[tenant, row.day, name, row.guide_version, row.pattern] += row.sessions
    return counted


async def check_exact(db: Any, *tenants: str) -> Found:
    sessions, attempts, contents = await everything(db)
    expected = plain(sessions, attempts, contents)
    found = sum([await told(db, tenant) for tenant in tenants], Counter[tuple[Any, ...]]())
    assert found == expected
    for tenant in tenants:
        sums = Counter[str]()
        for key, number in expected.items():
            sums[key[2]] += number if key[0] == tenant else 0
        assert await guidance_evidence.ended_counts(db, tenant) == +sums
    times = {(tenant, name, step): value for tenant in tenants for name in guides()
             for step, value in (await guidance_evidence.times_of(db, tenant, name)).items()}  # fmt: skip
    assert times == plain_times(sessions, attempts)
    return found


# --------------------------------------------------------------------------------------------------------- whatever happens


class Changes:
    """A seeded stream of what customers, agents and people in psql do to sessions that are there."""

    def __init__(self, db: Any, seed: int, ids: list[UUID]) -> None:
        self.db = db
        self.dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.ids = ids

    async def step(self) -> None:
        one, other = self.dice.sample(self.ids, 2)
        change = self.dice.choice([*_CHANGES])
        await self.db.execute(_CHANGES[change], *(one, other)[: 1 + ("$2" in _CHANGES[change])])


_LAST = "(SELECT id FROM support_troubleshooting_attempts WHERE session_id = $1 AND retracted_at IS NULL ORDER BY decision_number DESC LIMIT 1)"
_CHANGES = {
    "undo": f"UPDATE support_troubleshooting_attempts SET retracted_at = now() WHERE id = {_LAST}",
    "correct": f"""INSERT INTO support_troubleshooting_attempts (id, session_id, tenant_id, step_number, success, step_id, step_revision, outcome,
        decision_number, guide_version_id, attempted_at, corrects, duration_seconds) SELECT gen_random_uuid(), session_id, tenant_id, step_number, true, step_id,
        step_revision, 'not_helped', decision_number, guide_version_id, attempted_at, id, 4000 FROM support_troubleshooting_attempts WHERE id = {_LAST}""",
    "reopen": "UPDATE support_troubleshooting_sessions SET status = 'escalated', escalated_at = ended_at + interval '1 day' WHERE session_id = $1",
    "agent": "UPDATE support_troubleshooting_sessions SET ended_by = 'agent', status = 'resolved', true_step_id = 'x' WHERE session_id = $1",
    "resume": "UPDATE support_troubleshooting_sessions SET status = 'in_progress', ended_at = NULL WHERE session_id = $1 AND status = 'abandoned'",
    "urgent": "UPDATE support_troubleshooting_sessions SET urgent = NOT urgent WHERE session_id = $1",
    "variant": "UPDATE support_troubleshooting_sessions SET variant = 'windows' WHERE session_id = $1",
    "same customer": """UPDATE support_troubleshooting_sessions s SET customer_id = o.customer_id, started_at = o.started_at + interval '1 second',
        detected_problem_id = o.detected_problem_id, guide_version_id = o.guide_version_id, offered_step_id = o.offered_step_id
        FROM support_troubleshooting_sessions o WHERE s.session_id = $1 AND o.session_id = $2""",
    "nobody": "UPDATE support_troubleshooting_sessions SET customer_id = NULL WHERE session_id = $1",
    "contact again": "UPDATE support_troubleshooting_sessions SET recontact_of = $2 WHERE session_id = $1",
    "no contact": "UPDATE support_troubleshooting_sessions SET recontact_of = NULL WHERE session_id = $1",
    "delete": "DELETE FROM support_troubleshooting_sessions WHERE session_id = $1",
    "synthetic": """UPDATE support_troubleshooting_sessions SET source = 'demo', metadata = '{"demo": true}' WHERE session_id = $1""",
    "times": """UPDATE support_troubleshooting_attempts SET active_seconds = ('{-1,NaN,infinity,0,90000,30}'::float8[])[1 + ascii(id::text) % 6]
        WHERE session_id = $1""",
}  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
def test_patterns_are_those_of_the_rows_whatever_changes(dsn: str, seed: int) -> None:
    async def check(db: Any) -> None:
        await fill(db, "default", 260, seed, days=12)
        found = await check_exact(db, "default")
        ends = Counter(Pattern.from_text(key[-1]).end for key in found)
        assert min(ends[end] for end in (SOLVED, ESCALATED, ABANDONED, ASSUMED)) > 2, ends
        assert any(Pattern.from_text(key[-1]).returned for key in found)
        await db.execute("SELECT guiado_roll_up(now(), true)")
        assert await check_exact(db, "default") == found
        changes = Changes(
            db, seed, [row[0] for row in await db.fetch("SELECT session_id FROM support_troubleshooting_sessions ORDER BY 1")]
        )
        for turn in range(12):
            for _ in range(12):
                await changes.step()
            await check_exact(db, "default")
            if turn % 3 == 0:
                await db.execute("SELECT guiado_roll_up()")
                await check_exact(db, "default")
        await db.execute("SELECT guiado_roll_up()")
        assert (await guidance_evidence.verify(db, "default")).differing == ()
        await db.execute("TRUNCATE support_troubleshooting_sessions CASCADE")
        assert await check_exact(db, "default") == Counter()

    on(dsn, check)
