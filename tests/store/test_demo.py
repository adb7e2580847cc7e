"""The synthetic year: every session is one that the state machine could have had, the figures show it, and it goes without a trace."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tenant_rows import connect

from guiado import clock
from guiado.app import commands
from guiado.app.analytics import report
from guiado.app.context import AppContext, Scope
from guiado.app.demo import loading
from guiado.app.demo.demand import is_holiday
from guiado.app.demo.year import SyntheticDesk, Year, YearSpan
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.knowledge.sources.file import FileSource
from guiado.app.knowledge.sources.json_file import read_file
from guiado.app.learning.examples import unrecognised
from guiado.app.maintenance import retain
from guiado.app.sessions import answer, escalate, feedback, start
from guiado.app.validation import check
from guiado.domain.decide import begin, decide
from guiado.domain.decision import Decision
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.session import Outcome, Session, Status
from guiado.domain.session_commands import Answer
from guiado.errors import Conflict
from guiado.i18n import translate
from guiado.resources import data_path
from guiado.store import demo
from guiado.store.database import Database
from guiado.store.guides import load as load_guide

KB = data_path("integrations", "support_troubleshooting_kb.json")
SESSIONS, DAYS, SEED = 500, 120, 3
UNTIL = datetime(2026, 11, 29, 15, tzinfo=UTC)
OPERATOR = Scope(actor="operator", channel="terminal")
OWN_ACCOUNTS = ("support_troubleshooting_audit_log", "support_audit_heads", "support_troubleshooting_schedule",
                "support_troubleshooting_rollup_days", "support_troubleshooting_performance_metrics")  # fmt: skip
"""Tables of what the program itself did and when."""
EVERYTHING = """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
                 WHERE c.relkind IN ('r', 'm') AND c.relnamespace = 'public'::regnamespace AND c.relname <> ALL ($1) ORDER BY 1"""


def on(dsn: str, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def ask(dsn: str, query: str, *values: object) -> list[asyncpg.Record]:
    return on(dsn, lambda db: db.fetch(query, *values))


@asynccontextmanager
async def installation(dsn: str) -> Any:
    """The running parts and the knowledge base of a process, with the rights that a real one works with."""

    async def find() -> str:
        return dsn

    db = Database(find, role="guiado_app")
    try:
        knowledge = KnowledgeBase("", db, "default", source=FileSource(KB, "", db, "default"))
        await knowledge.refresh()
        yield AppContext(db, "default", 0.33), knowledge
    finally:
        await db.close()


def load(dsn: str, sessions: int = SESSIONS, *, beside_real: bool = True, seed: int = SEED) -> loading.LoadedYear:
    async def run() -> loading.LoadedYear:
        async with installation(dsn) as (parts, knowledge):
            span = loading.span_until(sessions, DAYS, seed, clock.now())
            return await loading.load(parts, OPERATOR, knowledge.snapshot, span, beside_real=beside_real, progress=lambda _: None)

    return asyncio.run(run())


def clear(dsn: str) -> loading.RemovedYear:
    async def run() -> loading.RemovedYear:
        async with installation(dsn) as (parts, _):
            return await loading.clear(parts, OPERATOR, lambda _: None)

    return asyncio.run(run())


def content(dsn: str) -> dict[str, list[str]]:
    """Every row of every table but the program's own accounts."""

    async def read(db: asyncpg.Connection) -> dict[str, list[str]]:
        await db.execute("SELECT refresh_troubleshooting_views()")
        tables = [row["relname"] for row in await db.fetch(EVERYTHING, list(OWN_ACCOUNTS))]
        return {each: sorted(row[0] for row in await db.fetch(f"SELECT x::text FROM {each} x")) for each in tables}

    return on(dsn, read)


class Loaded:
    """A database with real sessions and a synthetic year.

    Args:
        before: its content before the year.
        done: what the load said.
    """

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        asyncio.run(self._make_real())
        on(dsn, self._listen)
        self.before = content(dsn)
        self.done = load(dsn)

    async def _make_real(self) -> None:
        async with installation(self.dsn) as (parts, knowledge), parts.connection() as connection:
            work = parts.work(connection, Scope())
            for words, email in (
                ("no me deja instalar el programa", "ana@example.com"),
                ("la cafetera no va", "luis@example.com"),
            ):
                command = check(commands.Start, {"problem_description": words, "customer_email": email, "ticket_id": "T-1"})
                began = (await start.start(work, knowledge, command)).session
                if began.problem_id:
                    await answer.answer(work, began.session_id, commands.AnswerStep(success=True))
                await escalate.escalate(work, began.session_id, commands.Escalate(reason="porque sí"))
                await feedback.rate(work, began.session_id, commands.Rate(2))

    async def _listen(self, db: asyncpg.Connection) -> None:
        """Somebody wants to be told of everything."""
        await db.execute("INSERT INTO support_webhooks (webhook_id, url, events) VALUES ('all', 'https://example.com', '{*}')")
        await db.execute(
            "INSERT INTO support_troubleshooting_recipients (channel, recipient, events)"
            " VALUES ('email', 'jefa@example.com', '{session_started,session_escalated,session_resolved,session_abandoned}')"
        )

    def ask(self, query: str, *values: object) -> list[asyncpg.Record]:
        return ask(self.dsn, query, *values)

    def faults(self, query: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.ask(query)]


@pytest.fixture(scope="module")
def loaded(module_dsn: str) -> Loaded:
    return Loaded(module_dsn)


@cache
def guides() -> dict[str, Guide]:
    return {name: guide for name, guide in read_file(KB).guides.items() if guide.kind != GuideKind.NONE}


def made(sessions: int, seed: int, days: int = 365) -> list[demo.Batch]:
    ids = {name: str(UUID(int=number)) for number, name in enumerate(guides(), 1)}
    desk = SyntheticDesk("default", guides(), ids, "lexical", {"scope": ""}, 2)
    return [*Year(desk, YearSpan(sessions, days, UNTIL, seed)).batches()]


@cache
def year() -> list[demo.StoredSession]:
    return [row for batch in made(4_000, 1) for row in batch.sessions]


# ------------------------------------------------------------------------------------------------------- every single session

INVARIANTS = {
    "the state's counts are those of the rows": """
        SELECT s.session_id FROM support_troubleshooting_sessions s
         WHERE s.source = 'demo' AND (
               s.attempts <> (SELECT count(*) FROM support_troubleshooting_attempts a WHERE a.tenant_id = s.tenant_id AND a.session_id = s.session_id)
            OR s.failures <> (SELECT count(*) FROM support_troubleshooting_attempts a WHERE a.tenant_id = s.tenant_id AND a.session_id = s.session_id AND NOT a.success)
            OR s.current_step <> (SELECT count(*) FROM support_troubleshooting_attempts a WHERE a.tenant_id = s.tenant_id AND a.session_id = s.session_id AND a.success)
            OR s.decisions <> (SELECT count(*) FROM support_troubleshooting_decisions d WHERE d.tenant_id = s.tenant_id AND d.session_id = s.session_id)
            OR jsonb_array_length(s.answers) <> s.attempts OR s.current_step > s.total_steps)""",
    "decisions count from 1": """
        SELECT d.session_id FROM support_troubleshooting_decisions d JOIN support_troubleshooting_sessions s USING (tenant_id, session_id)
         WHERE s.source = 'demo' GROUP BY 1 HAVING min(d.number) <> 1 OR max(d.number) <> count(*) OR count(DISTINCT d.number) <> count(*)""",
    "an attempt answers the step that was offered": """
        SELECT a.id FROM support_troubleshooting_attempts a JOIN support_troubleshooting_sessions s USING (tenant_id, session_id)
          LEFT JOIN support_troubleshooting_decisions d ON d.tenant_id = a.tenant_id AND d.session_id = a.session_id AND d.number = a.decision_number
         WHERE s.source = 'demo' AND (d.kind IS DISTINCT FROM 'step' OR d.step_id <> a.step_id OR d.step_number <> a.step_number
            OR d.offered_at > a.attempted_at OR a.first_seen_at < d.offered_at OR a.active_seconds > a.duration_seconds
            OR (a.reason IS NOT NULL AND a.outcome <> 'could_not'))""",
    "an ending is whole": """
        SELECT s.session_id, s.status FROM support_troubleshooting_sessions s
         WHERE s.source = 'demo' AND (
               s.status NOT IN ('resolved', 'escalated', 'abandoned') OR s.ended_at IS NULL OR s.ended_how IS NULL OR s.ended_by IS NULL
            OR (s.status = 'resolved') <> (s.resolved_at IS NOT NULL AND s.resolution IS NOT NULL AND s.recontact_until IS NOT NULL)
            OR (s.status = 'escalated' AND (s.escalated_at IS NULL OR s.escalation_reason IS NULL))
            OR (s.agent_minutes IS NOT NULL AND (s.status <> 'resolved' OR s.ended_by <> 'agent' OR s.true_problem_id IS NULL))
            OR (s.ended_how = 'expired') <> (s.status = 'abandoned' AND s.escalation_reason IS NOT NULL))""",
    "time goes forward and nothing lies ahead": """
        SELECT s.session_id FROM support_troubleshooting_sessions s
         WHERE s.source = 'demo' AND (s.started_at > s.updated_at OR s.updated_at > s.ended_at OR s.ended_at > now()
            OR s.started_at < now() - interval '122 days' OR s.resolved_at < s.escalated_at
            OR EXISTS (SELECT FROM support_troubleshooting_feedback f WHERE f.tenant_id = s.tenant_id AND f.session_id = s.session_id
                         AND (f.collected_at < s.ended_at OR f.collected_at > now())))""",
    "an id tells its moment": """
        SELECT s.session_id FROM support_troubleshooting_sessions s
         WHERE s.source = 'demo' AND ('x' || left(replace(s.session_id::text, '-', ''), 12))::bit(48)::bigint
               <> floor(extract(epoch FROM s.started_at) * 1000)::bigint""",
    "a second contact doubts a solution within its window": """
        SELECT s.session_id FROM support_troubleshooting_sessions s
          LEFT JOIN support_troubleshooting_sessions b ON b.tenant_id = s.tenant_id AND b.session_id = s.recontact_of
         WHERE s.source = 'demo' AND s.recontact_of IS NOT NULL
           AND NOT (b.status = 'resolved' AND b.customer_id = s.customer_id AND b.detected_problem_id = s.detected_problem_id
                    AND s.started_at BETWEEN b.resolved_at AND b.recontact_until)""",
    "a rating and a ticket say what the session says": """
        SELECT s.session_id FROM support_troubleshooting_sessions s
          LEFT JOIN support_troubleshooting_feedback f USING (tenant_id, session_id)
          LEFT JOIN support_tickets t ON t.session_id = s.session_id
         WHERE s.source = 'demo' AND (f.completed_steps <> s.current_step OR f.resolved <> (s.status = 'resolved')
            OR (t.ticket_id IS NOT NULL) <> (s.ticket_id IS NOT NULL AND s.escalation_reason IS NOT NULL)
            OR t.ticket_id <> s.ticket_id OR t.notes <> s.escalation_reason)""",
    "everything is marked, of this knowledge base, and found by its words": """
        SELECT s.session_id FROM support_troubleshooting_sessions s
         WHERE s.source = 'demo' AND (NOT s.metadata @> '{"demo": true}' OR (s.customer_email NOT LIKE '%.demo.example')
            OR (s.detected_problem_id IS NULL) <> (s.guide_version_id IS NULL) OR (s.customer_email IS NULL) <> (s.customer_id IS NULL)
            OR NOT EXISTS (SELECT FROM support_troubleshooting_search x WHERE x.tenant_id = s.tenant_id AND x.session_id = s.session_id
                            AND x.document = guiado_search_vector(concat_ws(' ', s.problem_description, s.detected_problem_title))))""",
}  # fmt: skip


@pytest.mark.parametrize("name", INVARIANTS)
def test_every_session_keeps_the_rules(loaded: Loaded, name: str) -> None:
    assert loaded.faults(INVARIANTS[name]) == []


def test_as_many_as_were_asked_for_of_every_kind(loaded: Loaded) -> None:
    (row,) = loaded.ask(
        """SELECT count(*) AS sessions, count(DISTINCT detected_problem_id) AS problems, count(DISTINCT language) AS languages,
                  count(DISTINCT channel) AS channels, count(DISTINCT device) AS devices, count(DISTINCT status) AS statuses,
                  count(DISTINCT split_part(customer_email, '@', 2)) AS companies, count(*) FILTER (WHERE urgent) AS urgent,
                  count(*) FILTER (WHERE recontact_of IS NOT NULL) AS back, count(*) FILTER (WHERE clarifications <> '[]') AS clarified,
                  count(*) FILTER (WHERE agent_minutes > 0) AS by_agent, count(*) FILTER (WHERE detected_problem_id IS NULL) AS unknown,
                  count(*) FILTER (WHERE notes IS NOT NULL) AS noted, count(DISTINCT customer_id) AS customers
             FROM support_troubleshooting_sessions WHERE source = 'demo'"""
    )
    assert row["sessions"] == loaded.done.sessions == SESSIONS
    assert (row["problems"], row["languages"], row["statuses"]) == (len(guides()), 3, 3)
    assert min(row["channels"], row["devices"], row["companies"]) > 3
    assert min(row["urgent"], row["back"], row["clarified"], row["by_agent"], row["unknown"], row["noted"]) > 3
    assert row["customers"] < SESSIONS * 0.6, "the same customers come back"
    outcomes = {each[0] for each in loaded.ask("SELECT DISTINCT outcome FROM support_troubleshooting_attempts")}
    assert outcomes == {each.value for each in Outcome}


def test_the_state_machine_decides_the_same_again(loaded: Loaded) -> None:
    async def replayed(db: asyncpg.Connection) -> Counter[str]:
        seen = Counter[str]()
        query = """SELECT * FROM support_troubleshooting_sessions
                    WHERE source = 'demo' AND clarifications = '[]' AND guide_version_id IS NOT NULL
                      AND (ended_by IN ('customer', 'assumed') OR status = 'escalated') ORDER BY session_id LIMIT 150"""
        for row in await db.fetch(query):
            guide = await load_guide(db, "default", str(row["guide_version_id"]))
            assert guide is not None
            session = Session("", None, "", row["started_at"], row["started_at"], total_steps=len(guide.steps),
                              problem_id=guide.problem_id, guide_version_id=str(row["guide_version_id"]), language=row["language"])  # fmt: skip
            decided = begin(session, guide, row["started_at"], speak=translate)
            attempts = await db.fetch(
                "SELECT * FROM support_troubleshooting_attempts WHERE session_id = $1 ORDER BY attempted_at, id",
                row["session_id"],
            )
            for attempt in attempts:
                answer = Answer(Outcome(attempt["outcome"]), step_number=attempt["step_number"], step_id=attempt["step_id"])
                decided = decide(decided.session, guide, answer, attempt["attempted_at"], speak=translate)
                assert isinstance(decided, Decision)
            after = decided.session
            assert (after.current_step, after.failures, after.attempts) == (row["current_step"], row["failures"], row["attempts"])
            if row["status"] == "resolved":
                assert (after.status, after.resolved_at, after.resolution) == ("resolved", row["resolved_at"], row["resolution"])
            else:
                assert not after.status.ended, "somebody ended it afterwards"
            seen[row["status"]] += 1
        return seen

    assert min(on(loaded.dsn, replayed).values()) >= 5


# --------------------------------------------------------------------------------------------------------------- what shows it


def test_the_figures_are_those_of_the_rows(loaded: Loaded) -> None:
    async def read() -> Any:
        async with installation(loaded.dsn) as (parts, _), parts.connection() as connection:
            return await report.analytics(parts.work(connection, OPERATOR), 200)

    said = asyncio.run(read())
    (raw,) = loaded.ask(
        """SELECT count(*) AS total_sessions, count(*) FILTER (WHERE status = 'resolved') AS resolved_sessions,
                  count(*) FILTER (WHERE status IN ('escalated', 'needs_escalation')) AS escalated_sessions,
                  count(*) FILTER (WHERE status = 'abandoned') AS abandoned_sessions
             FROM support_troubleshooting_sessions WHERE message_kind <> 'solved'"""
    )
    assert {name: getattr(said.summary, name) for name in raw.keys()} == dict(raw)  # noqa: SIM118 a record's keys
    problems = {row[0]: row[1] for row in loaded.ask(
        "SELECT detected_problem_id, count(*) FROM support_troubleshooting_sessions WHERE detected_problem_id IS NOT NULL GROUP BY 1")}  # fmt: skip
    viewed = {row[0]: row[1] for row in loaded.ask("SELECT detected_problem_id, total_sessions FROM mv_top_problems")}
    assert viewed == problems
    days = {row[0]: row[1] for row in loaded.ask(
        "SELECT (started_at AT TIME ZONE 'UTC')::date, count(*) FROM support_troubleshooting_sessions WHERE message_kind <> 'solved' GROUP BY 1")}  # fmt: skip
    assert {row[0]: row[1] for row in loaded.ask("SELECT date, total_sessions FROM mv_daily_troubleshooting_summary")} == days
    steps = "SELECT count(*), count(*) FILTER (WHERE NOT success) FROM support_troubleshooting_attempts"
    summed = "SELECT sum(total_attempts), sum(failed) FROM support_troubleshooting_rollup_steps"
    assert [*loaded.ask(steps)[0]] == [*loaded.ask(summed)[0]]
    ratings = loaded.ask("SELECT count(*), sum(rating) FROM support_troubleshooting_feedback")[0]
    assert [*ratings] == [
        *loaded.ask("SELECT sum(feedback), sum(rating_sum) FROM support_troubleshooting_rollup_daily WHERE problem_id = '*'")[0]
    ]


def test_nobody_is_told_and_nothing_is_learned(loaded: Loaded) -> None:
    for table in ("outbox", "deliveries", "notifications", "learning", "ml_training"):
        name = f"support_troubleshooting_{table}"
        assert sorted(row[0] for row in loaded.ask(f"SELECT x::text FROM {name} x")) == loaded.before[name], table

    async def gaps() -> list[str]:
        async with installation(loaded.dsn) as (parts, _), parts.connection() as connection:
            return [str(each) for each in await unrecognised(parts.work(connection, OPERATOR), 300)]

    assert "demo" not in " ".join(asyncio.run(gaps()))
    assert loaded.ask("SELECT 1 FROM support_troubleshooting_sessions WHERE source = 'demo' AND detected_problem_id IS NULL")


def test_a_second_load_names_the_remedy(loaded: Loaded) -> None:
    with pytest.raises(Conflict, match="guiado demo clear"):
        load(loaded.dsn)


def test_what_is_removed_leaves_everything_else_as_it_was(loaded: Loaded) -> None:
    # Somebody tries one out: what that made goes too.
    (taken,) = loaded.ask("SELECT session_id FROM support_troubleshooting_sessions WHERE source = 'demo' LIMIT 1")
    event = {"event_id": str(UUID(int=7)), "tenant_id": "default", "session_id": str(taken[0]), "event": "session_started",
             "data": {}, "occurred_at": "2026-01-01T00:00:00Z"}  # fmt: skip
    on(loaded.dsn, lambda db: db.execute("SELECT guiado_emit('default', $1)", [event]))
    assert len(loaded.ask("SELECT 1 FROM support_troubleshooting_notifications")) > len(
        loaded.before["support_troubleshooting_notifications"]
    )
    assert clear(loaded.dsn).sessions == SESSIONS
    assert content(loaded.dsn) == loaded.before
    assert clear(loaded.dsn).sessions == 0


# ------------------------------------------------------------------------------------------------------------------ the shapes


def test_a_seed_repeats_and_another_differs() -> None:
    assert made(300, 5, 90) == made(300, 5, 90)
    assert made(300, 6, 90)[0].sessions != made(300, 5, 90)[0].sessions


def test_weekends_holidays_and_nights_are_quiet() -> None:
    days = Counter((row.started_at - timedelta(hours=4)).date() for row in year())
    mean = {kind: sum(days[day] for day in of) / len(of) for kind, of in {
        "work": [day for day in days if day.weekday() < 5 and not is_holiday(day)],
        "weekend": [day for day in days if day.weekday() >= 5],
        "holiday": [day for day in days if day.weekday() < 5 and is_holiday(day)],
    }.items()}  # fmt: skip
    assert mean["weekend"] < 0.55 * mean["work"]
    assert mean["holiday"] < 0.7 * mean["work"]
    months = Counter(row.started_at.strftime("%m") for row in year())
    assert months["09"] > 1.15 * months["08"], "summer is quiet where most customers are"
    hours = Counter((row.started_at - timedelta(hours=4)).hour for row in year() if row.language == "es")
    assert sum(hours[hour] for hour in range(9, 17)) > 3 * sum(hours[hour] for hour in range(1, 6))


def test_over_the_months_more_is_solved() -> None:
    rows = [row for row in year() if row.detected_problem_id and row.recontact_of is None]
    third = len(rows) // 3
    early, late = ([row for row in part if not row.urgent] for part in (rows[:third], rows[-third:]))
    solved_early, solved_late = (
        sum(row.status == Status.RESOLVED and row.ended_by != "agent" for row in part) / len(part) for part in (early, late)
    )
    assert 0.35 < solved_early < solved_late - 0.03 < 0.9


def test_ratings_go_with_the_outcome_and_a_few_problems_make_most() -> None:
    batches = made(1_500, 2)
    ended = {row.session_id: row.status for batch in batches for row in batch.sessions}
    given: dict[str, list[int]] = {"resolved": [], "escalated": []}
    for rating in (rating for batch in batches for rating in batch.ratings):
        given.setdefault(ended[rating.session_id], []).append(rating.rating)
    mean = {status: sum(ratings) / len(ratings) for status, ratings in given.items()}
    assert mean["resolved"] > mean["escalated"] + 1
    counts = Counter(row.detected_problem_id for batch in batches for row in batch.sessions if row.detected_problem_id)
    assert counts.most_common()[0][1] > 3 * counts.most_common()[-1][1] > 0


# ------------------------------------------------------------------------------------------------------------------ in the way


@pytest.fixture
def real(dsn: str) -> str:
    """A database with one real session that calls itself a demo: a caller may name any source."""
    query = """INSERT INTO support_troubleshooting_sessions (session_id, problem_description, source, customer_email, status, started_at, ended_at)
               VALUES (gen_random_uuid(), 'no va', 'demo', 'a@example.com', 'escalated', now() - interval '2 days', now())"""
    on(dsn, lambda db: db.execute(query))
    return dsn


def test_real_sessions_are_in_the_way_unless_somebody_says_so(real: str) -> None:
    with pytest.raises(Conflict, match="--yes"):
        load(real, beside_real=False)
    assert load(real, 50).sessions == 50
    assert clear(real).sessions == 50
    assert len(ask(real, "SELECT 1 FROM support_troubleshooting_sessions")) == 1


def test_a_broken_off_load_leaves_whole_sessions_that_go_with_the_rest(real: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guiado.app.demo.year._BATCH", 150)

    async def break_off() -> None:
        async with installation(real) as (parts, knowledge):
            reached = asyncio.Event()
            span = loading.span_until(2_000, DAYS, SEED, clock.now())
            doing = asyncio.create_task(
                loading.load(parts, OPERATOR, knowledge.snapshot, span, beside_real=True, progress=lambda _: reached.set())
            )
            await asyncio.wait_for(reached.wait(), 60)
            with pytest.raises(Conflict, match="Otro proceso"):
                await loading.clear(parts, OPERATOR, lambda _: None)
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)

    asyncio.run(break_off())
    (row,) = ask(real, "SELECT count(*) AS n FROM support_troubleshooting_sessions WHERE metadata @> '{\"demo\": true}'")
    assert 0 < row["n"] < 2_000
    assert (
        ask(real, INVARIANTS["the state's counts are those of the rows"].replace("s.source = 'demo'", "s.metadata ? 'demo'"))
        == []
    )
    assert ask(real, "SELECT 1 FROM support_troubleshooting_dirty_days"), "the figures of these days are due"
    with pytest.raises(Conflict, match="guiado demo clear"):
        load(real)
    assert clear(real).sessions == row["n"]
    assert load(real, 30).sessions == 30


def test_retention_keeps_no_figures_of_what_never_was(dsn: str) -> None:
    load(dsn, 60)
    on(dsn, lambda db: db.execute(
        "INSERT INTO support_troubleshooting_config (tenant_id, config_key, config_value) VALUES ('default', 'retention_days', '30')"))  # fmt: skip

    async def keep() -> None:
        async with installation(dsn) as (parts, _):
            await retain(parts)

    asyncio.run(keep())
    left = ask(dsn, "SELECT 1 FROM support_troubleshooting_sessions")
    assert 0 < len(left) < 60
    for table in ("rollup_daily_kept", "rollup_patterns_kept", "rollup_patterns", "pattern_totals"):
        assert ask(dsn, f"SELECT 1 FROM support_troubleshooting_{table}") == []
    clear(dsn)
    on(dsn, lambda db: db.execute("SELECT refresh_troubleshooting_views()"))
    for table in ("rollup_daily", "rollup_steps", "rollup_kinds"):
        assert ask(dsn, f"SELECT 1 FROM support_troubleshooting_{table}") == []
