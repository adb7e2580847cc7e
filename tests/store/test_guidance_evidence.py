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

import pytest
from tenant_rows import connect
from test_demo import installation

from guiado.app import commands
from guiado.app.context import Scope, UnitOfWork
from guiado.app.demo.year import SyntheticDesk, Year, YearSpan
from guiado.app.knowledge.sources.json_file import read_file
from guiado.app.sessions import answer, escalate, start, undo
from guiado.app.validation import check
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.guide_versions import guide_to_json
from guiado.domain.session import Outcome
from guiado.guidance.patterns import ABANDONED, ASSUMED, ESCALATED, SOLVED, STEP, Pattern, PatternEvent
from guiado.resources import data_path
from guiado.store import demo, guidance_evidence
from guiado.store.migrate import migrate

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
        batch.sessions[:] = [_quiet(row) if number % 3 == 0 else row for number, row in enumerate(batch.sessions)]
        batch.tickets.clear()
    return batches


def _quiet(row: demo.StoredSession) -> demo.StoredSession:
    """A session that was left, as one that counts as solved since nobody came back: rare in a year, whatever the day it ends on."""
    if row.status != "abandoned" or row.escalated_at is not None:
        return row
    return row._replace(status="resolved", resolution="assumed", ended_by="assumed", resolved_at=row.ended_at)


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
    events = tuple(PatternEvent(STEP, f"{each['step_id']}@{each['step_revision']}", each["outcome"]) for each in own)
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


async def end_of(db: Any, batches: list[demo.Batch], copies: int, **more: object) -> datetime:
    """Store copies of the first ended session of a guide of steps; the moment when they began."""
    (row, *_) = (row for batch in batches for row in batch.sessions if row.status == "abandoned" and row.escalated_at is None)
    rows = [row._replace(session_id=UUID(int=900 + n), **more) for n in range(copies)]
    await fill(db, "default", 0, batches=[demo.Batch(rows)])
    return row.started_at


# ------------------------------------------------------------------------------------------------------------------ what is kept


def test_the_retention_keeps_patterns_and_times_batch_by_batch(dsn: str) -> None:
    """The sessions of a customer who began several on one day go in different batches, and still count as one."""

    async def check(db: Any) -> None:
        await fill(db, "default", 220, seed=5, days=10)
        changes = Changes(
            db, 5, [row[0] for row in await db.fetch("SELECT session_id FROM support_troubleshooting_sessions ORDER BY 1")]
        )
        for _ in range(40):
            await db.execute(_CHANGES["same customer"], *changes.dice.sample(changes.ids, 2))
        await db.execute("SELECT guiado_roll_up(now(), true)")
        before = await check_exact(db, "default")
        times = [await guidance_evidence.times_of(db, "default", name) for name in guides()]
        clean = "SELECT sum(deleted) FROM guiado_clean_batch('default', now() - interval '2 days', 17)"
        while await db.fetchval(clean):
            await db.execute("SELECT guiado_mark_dirty('default', day) FROM support_troubleshooting_rollup_days")
            assert await told(db, "default") == before
            await db.execute("SELECT guiado_roll_up(now(), true)")
            assert await told(db, "default") == before
            assert (await guidance_evidence.verify(db, "default")).miscounted == ()
        left = await db.fetchval("SELECT count(*) FROM support_troubleshooting_sessions")
        assert 0 < left < 100
        assert sum((await guidance_evidence.ended_counts(db, "default")).values()) == before.total()
        after = [await guidance_evidence.times_of(db, "default", name) for name in guides()]
        assert [{step: (t.attempts, pytest.approx(t.minutes)) for step, t in each.items()} for each in times] == after

    on(dsn, check)


def test_a_return_stays_known_when_the_second_session_is_deleted_first(dsn: str) -> None:
    async def check(db: Any) -> None:
        await fill(db, "default", 120, seed=2, days=10)
        pairs = await db.fetch(
            "SELECT recontact_of, session_id FROM support_troubleshooting_sessions WHERE recontact_of IS NOT NULL"
        )
        before = await check_exact(db, "default")
        assert any(Pattern.from_text(key[-1]).returned for key in before)
        for row in pairs:
            await db.execute(
                "SET guiado.cleanup = 'on'; SELECT guiado_keep('default', ARRAY['" + str(row["session_id"]) + "'::uuid])"
            )
            await db.execute("DELETE FROM support_troubleshooting_sessions WHERE session_id = $1", row["session_id"])
        await db.execute(
            "SELECT guiado_mark_dirty('default', d::date) FROM generate_series(now() - interval '11 days', now(), interval '1 day') d"
        )
        assert await told(db, "default") == before

    on(dsn, check)


def test_a_second_contact_makes_the_day_of_the_first_due(dsn: str) -> None:
    async def check(db: Any) -> None:
        await fill(db, "default", 60, seed=3, days=10)
        await db.execute("SELECT guiado_roll_up(now(), true)")
        first = await db.fetchrow("SELECT session_id, (started_at AT TIME ZONE 'UTC')::date AS day FROM support_troubleshooting_sessions"
                                  " WHERE status = 'resolved' AND escalated_at IS NULL AND resolution = 'confirmed' ORDER BY started_at LIMIT 1")  # fmt: skip
        due = "SELECT day FROM support_troubleshooting_dirty_days"
        await db.execute("INSERT INTO support_troubleshooting_sessions (session_id, problem_description, recontact_of) VALUES ($1, 'x', $2)",
                         UUID(int=1), first["session_id"])  # fmt: skip
        assert [row["day"] for row in await db.fetch(due)] == [first["day"]]
        await check_exact(db, "default")
        await db.execute("SELECT guiado_roll_up()")
        back = [row for row in await told(db, "default") if row[1] == first["day"] and Pattern.from_text(row[-1]).returned]
        assert back
        await db.execute("DELETE FROM support_troubleshooting_sessions WHERE session_id = $1", UUID(int=1))
        assert first["day"] in {row["day"] for row in await db.fetch(due)}
        await check_exact(db, "default")

    on(dsn, check)


# ------------------------------------------------------------------------------------------------------- what must not count twice


def test_a_customer_counts_once_a_day_for_a_guide_and_strangers_each(dsn: str) -> None:
    async def check(db: Any) -> None:
        await end_of(db, made(60, 1, 5), 500)
        assert (await check_exact(db, "default")).total() == 1
        assert (await check_exact(db, "default")).total() == 1
        await db.execute("UPDATE support_troubleshooting_sessions SET customer_id = NULL")
        assert (await check_exact(db, "default")).total() == 500

    on(dsn, check)


def test_two_tenants_count_apart(dsn: str) -> None:
    async def check(db: Any) -> None:
        await fill(db, "default", 60, seed=1, days=6)
        await fill(db, "otro", 40, seed=2, days=6)
        await db.execute("SELECT guiado_roll_up(now(), true)")
        both = await check_exact(db, "default", "otro")
        await db.execute("DELETE FROM support_troubleshooting_sessions WHERE tenant_id = 'otro'")
        assert await check_exact(db, "default") == Counter({key: number for key, number in both.items() if key[0] == "default"})

    on(dsn, check)


def test_a_roll_up_that_is_broken_off_changes_nothing_and_a_wrong_row_is_found_and_mended(dsn: str) -> None:
    everything_stored = """SELECT x::text FROM support_troubleshooting_rollup_patterns x
        UNION ALL SELECT x::text FROM support_troubleshooting_pattern_totals x ORDER BY 1"""

    async def check(db: Any) -> None:
        await fill(db, "default", 60, seed=4, days=6)
        await db.execute("SELECT guiado_roll_up(now(), true)")
        before, found = await db.fetch(everything_stored), await check_exact(db, "default")
        await db.execute("DELETE FROM support_troubleshooting_sessions WHERE started_at < now() - interval '2 days'")
        broken_off = db.transaction()
        await broken_off.start()
        await db.execute("SELECT guiado_roll_up()")
        assert await db.fetch(everything_stored) != before
        await broken_off.rollback()
        assert await db.fetch(everything_stored) == before
        await db.execute("SELECT guiado_roll_up()")
        assert await check_exact(db, "default") != found

        day = await db.fetchval("SELECT min(day) FROM support_troubleshooting_rollup_patterns")
        assert await guidance_evidence.verify(db, "default") == guidance_evidence.EvidenceFaults(
            await db.fetchval("SELECT count(*) FROM support_troubleshooting_rollup_days")
        )
        await db.execute("UPDATE support_troubleshooting_rollup_patterns SET sessions = sessions + 1 WHERE day = $1", day)
        faults = await guidance_evidence.verify(db, "default")
        assert faults.differing == (day,)
        assert faults.miscounted
        await guidance_evidence.recount(db, "default", faults.differing)
        await db.execute("SELECT guiado_roll_up()")
        assert (await guidance_evidence.verify(db, "default")).differing == ()
        await check_exact(db, "default")

    on(dsn, check)


# ----------------------------------------------------------------------------------------------------------- one by one, as played

WORDS = "No puedo instalar el software"
FIRST, SECOND, THIRD = (f"{step.step_id}@1" for step in guides()["instalacion_software"].steps[:3])
ALL = [f"{step.step_id}@1" for step in guides()["instalacion_software"].steps]
Act = Callable[[UnitOfWork, str], Awaitable[object]]


def says(outcome: str, source: Any = None) -> Act:
    given = commands.AnswerStep(success=outcome != "could_not", outcome=Outcome(outcome), source=source)
    return lambda work, session: answer.answer(work, session, given)


def calls(work: UnitOfWork, session: str) -> Awaitable[object]:
    return escalate.escalate(work, session, commands.Escalate())


def closes(work: UnitOfWork, session: str) -> Awaitable[object]:
    return escalate.resolve(work, session, commands.Resolve(step_id=SECOND[:-2], minutes=5))


def takes_back(work: UnitOfWork, session: str) -> Awaitable[object]:
    return undo.undo(work, session, commands.Undo())


async def leaves(work: UnitOfWork, session: str) -> None:
    old = "UPDATE support_troubleshooting_sessions SET updated_at = now() - interval '40 days', started_at = started_at - interval '40 days' WHERE session_id = $1"
    await work.connection.execute(old, UUID(session))
    await escalate.abandon_idle(work.app)


def steps(*events: tuple[str, str], end: str = ESCALATED, **more: Any) -> Pattern:
    return Pattern(tuple(PatternEvent(STEP, step, outcome) for step, outcome in events), end, **more)


PLAYED: list[tuple[tuple[Act, ...], Pattern]] = [
    ((says("not_helped"), says("solved")), steps((FIRST, "not_helped"), (SECOND, "solved"), end=SOLVED)),
    ((says("solved"), calls), steps((FIRST, "solved"), end=SOLVED, returned=True)),
    ((says("solved"), calls, closes), steps((FIRST, "solved"), end=SOLVED, returned=True)),
    ((says("not_helped"), closes), steps((FIRST, "not_helped"))),
    ((says("not_helped"), calls, closes), steps((FIRST, "not_helped"))),
    ((says("solved", "agent"),), steps((FIRST, "solved"))),
    ((says("solved", "agent"), calls), steps((FIRST, "solved"))),
    ((says("could_not"), says("could_not"), says("solved")), steps((FIRST, "could_not"), (FIRST, "could_not"), (FIRST, "solved"))),
    ((says("solved"), takes_back, says("done"), says("solved")), steps((FIRST, "done"), (SECOND, "solved"), end=SOLVED)),
    (tuple(says("done") for _ in ALL), steps(*((step, "done") for step in ALL), end=ASSUMED)),
    (tuple(says("not_helped") for _ in ALL), steps(*((step, "not_helped") for step in ALL))),
    ((says("done"), says("not_helped"), leaves), steps((FIRST, "done"), (SECOND, "not_helped"), end=ABANDONED, left_in=THIRD)),
    ((leaves,), steps(end=ABANDONED, left_in=FIRST)),
    ((calls,), steps()),
]  # fmt: skip


def test_what_is_played_ends_as_the_rules_say(dsn: str) -> None:
    async def run() -> None:
        async with installation(dsn) as (parts, knowledge):
            for number, (acts, _) in enumerate(PLAYED):
                async with parts.connection() as connection:
                    work = parts.work(connection, Scope())
                    began = check(commands.Start, {"problem_description": WORDS, "customer_email": f"c{number}@example.com"})
                    session = (await start.start(work, knowledge, began)).session
                    assert session.problem_id == "instalacion_software"
                    for act in acts:
                        await act(work, session.session_id)

    asyncio.run(run())
    expected = Counter(pattern.to_text() for _, pattern in PLAYED)
    expected[steps(*((step, "not_helped") for step in ALL)).to_text()] -= 1  # it waits for a person: it has not ended
    ask = "SELECT pattern, sum(sessions)::int AS n FROM guiado_patterns('default', 'instalacion_software', '-infinity', 'infinity') GROUP BY 1"

    async def read(db: Any) -> Counter[str]:
        return Counter({row["pattern"]: row["n"] for row in await db.fetch(ask)})

    assert on(dsn, read) == +expected


def test_an_older_database_counts_its_closed_days_once_more(dsn: str) -> None:
    older = """DROP TABLE support_troubleshooting_rollup_patterns, support_troubleshooting_rollup_patterns_kept,
        support_troubleshooting_pattern_totals CASCADE;
        ALTER TABLE support_troubleshooting_rollup_steps DROP COLUMN timed, DROP COLUMN timed_seconds;
        ALTER TABLE support_troubleshooting_rollup_steps_kept DROP COLUMN timed, DROP COLUMN timed_seconds;
        DELETE FROM support_schema_migrations WHERE name NOT LIKE 'migrations%' OR name LIKE 'migrations/0100%'"""

    async def check(db: Any) -> None:
        await fill(db, "default", 40, seed=6, days=6)
        await db.execute("SELECT guiado_roll_up(now(), true)")
        found = await check_exact(db, "default")
        await db.execute(older)
        assert "migrations/0100_patterns_of_sessions.sql" in await migrate(dsn)
        await db.reload_schema_state()
        assert await check_exact(db, "default") == found
        await db.execute("SELECT guiado_roll_up()")
        assert await check_exact(db, "default") == found
        assert await db.fetchval("SELECT count(*) FROM support_troubleshooting_dirty_days") == 0

    on(dsn, check)
